import type { AllowPolicy } from '../exchange.ts';
import { CRITERIA, type Criterion, type CriterionRow, type DenialReason } from './criteria.ts';

export interface PolicyTest {
  readonly reason: DenialReason;
  readonly admits: Criterion;
}

/** Gives the tests of an `allow` in the order of the table; all must pass. */
export function compilePolicy(allow: AllowPolicy): readonly PolicyTest[] {
  return [
    ...testOf(CRITERIA.users, allow.users),
    ...testOf(CRITERIA.groups, allow.groups),
    ...testOf(CRITERIA.emails, allow.emails),
    ...testOf(CRITERIA.claims, allow.claims),
    ...testOf(CRITERIA.methods, allow.methods),
    ...testOf(CRITERIA.addresses, allow.addresses),
  ];
}

function testOf<Accepted>(row: CriterionRow<Accepted>, accepted: Accepted | undefined): PolicyTest[] {
  return accepted === undefined ? [] : [{ reason: row.reason, admits: row.compile(accepted) }];
}
