import type { AllowPolicy } from '../config/config.ts';
import { CRITERIA, type CriteriaTable, type Criterion, type DenialReason } from './criteria.ts';

/** One key of an `allow` as it is asked of a request. */
export interface PolicyTest {
  readonly reason: DenialReason;
  readonly admits: Criterion;
}

/**
 * Gives the tests of an `allow` in the order of the table; all must pass.
 *
 * Security: it is the table that is walked, so that no key of it can be left out.
 */
export function compilePolicy(allow: AllowPolicy): readonly PolicyTest[] {
  return keysOf(CRITERIA).flatMap((key) => testOf(key, allow));
}

/** The policy as `Partial<Required<...>>`: that way the type checker sees that key, row and values belong together. */
function testOf<Key extends keyof AllowPolicy>(
  key: Key,
  allow: Partial<Required<AllowPolicy>>,
): PolicyTest[] {
  const row: CriteriaTable[Key] = CRITERIA[key];
  const accepted: Required<AllowPolicy>[Key] | undefined = allow[key];
  return accepted === undefined ? [] : [{ reason: row.reason, admits: row.compile(accepted) }];
}

function keysOf<Table extends object>(table: Table): Extract<keyof Table, string>[] {
  const keys: Extract<keyof Table, string>[] = [];
  for (const key in table) keys.push(key);
  return keys;
}
