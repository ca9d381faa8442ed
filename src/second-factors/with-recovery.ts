import type { FactorRecord } from './factor-record.ts';
import { hashOfRecoveryCode, newRecoveryCodes } from './recovery-codes.ts';

/** Adds recovery codes to a record that has none, so that the loss of a first device keeps nobody out. */
export function withRecovery(record: FactorRecord): {
  readonly next: FactorRecord;
  /** To be shown once; `undefined` when there were codes already. */
  readonly recoveryCodes: readonly string[] | undefined;
} {
  if (record.recovery.length > 0) return { next: record, recoveryCodes: undefined };
  const recoveryCodes = newRecoveryCodes();
  const recovery = recoveryCodes.flatMap((code) => hashOfRecoveryCode(code) ?? []);
  return { next: { ...record, recovery }, recoveryCodes };
}
