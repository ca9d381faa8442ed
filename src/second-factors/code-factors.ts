import { randomBytes } from 'node:crypto';
import { base32 } from '../lib/base32.ts';
import type { Clock } from '../lib/clock.ts';
import { checkName, demandRoom } from './check-name.ts';
import type { FactorRecord, TotpRecord } from './factor-record.ts';
import type { FactorShelf } from './factor-shelf.ts';
import type { Enrolled, FactorAttempt, FactorUser, TotpView } from './factors.ts';
import { type FactorFailures, guarded } from './guard.ts';
import { hashOfRecoveryCode, newRecoveryCodes } from './recovery-codes.ts';
import { matchTotp, TOTP_SECRET_BYTES, totpUri } from './totp.ts';
import { withRecovery } from './with-recovery.ts';

export interface CodeFactorsOptions {
  readonly shelf: FactorShelf;
  readonly failures: FactorFailures;
  readonly clock: Clock;
  /** Name that authenticator apps show beside the code. */
  readonly issuer: string;
}

const MAX_APPS = 10;
const MAX_PENDING = 3;
/** How long an app may take to show its first code. */
const PENDING_MS = 10 * 60 * 1000;

/** Codes that people type: those of authenticator apps (RFC 6238) and recovery codes. */
export class CodeFactors {
  readonly #options: CodeFactorsOptions;

  constructor(options: CodeFactorsOptions) {
    this.#options = options;
  }

  /**
   * Begins to add an authenticator app; it counts when it has shown a code.
   *
   * @returns the id for `confirm`, the secret for people to type, and the address for a QR code
   * @throws SP_ADMIN_BAD_REQUEST for a name of no use, or too many apps
   */
  async begin(
    owner: FactorUser,
    name: string,
  ): Promise<{ readonly id: string; readonly secret: string; readonly uri: string }> {
    const { clock, issuer, shelf } = this.#options;
    const bytes = randomBytes(TOTP_SECRET_BYTES);
    const app: TotpRecord = {
      id: randomBytes(12).toString('base64url'),
      name: checkName(name),
      secret: bytes.toString('base64url'),
      nextStep: 0,
      createdAtMs: clock(),
      lastUsedMs: undefined,
    };
    await shelf.change(owner, (record) => {
      demandRoom(record.totp.length, MAX_APPS);
      const pending = [...this.#fresh(record), app].slice(-MAX_PENDING);
      return { next: { ...record, pending }, result: true };
    });
    return { id: app.id, secret: base32(bytes), uri: totpUri(bytes, issuer, owner.user) };
  }

  /**
   * Adds the authenticator app for good when it shows a right code.
   * @returns `undefined` for a wrong code, or when it took too long
   * @throws SP_AUTHENTICATE_THROTTLED
   */
  confirm(attempt: FactorAttempt, id: string, code: string): Promise<Enrolled<TotpView> | undefined> {
    const { shelf, failures } = this.#options;
    return guarded(failures, attempt, () =>
      shelf.change(attempt.user, (record) => {
        const app = this.#fresh(record).find((pending) => pending.id === id);
        const used = app && this.#match(app, code);
        if (used === undefined) return undefined;
        demandRoom(record.totp.length, MAX_APPS);
        const pending = record.pending.filter((other) => other.id !== id);
        const { next, recoveryCodes } = withRecovery({ ...record, pending, totp: [...record.totp, used] });
        return { next, result: { factor: totpView(used), recoveryCodes } };
      }),
    );
  }

  /**
   * Tells whether this is a present code of one of the user's apps, or a recovery code; either counts once.
   * @throws SP_AUTHENTICATE_THROTTLED
   */
  async verify(attempt: FactorAttempt, code: string): Promise<'totp' | 'recovery' | undefined> {
    const { shelf, failures } = this.#options;
    return guarded(failures, attempt, () =>
      shelf.change<'totp' | 'recovery'>(attempt.user, (record) => {
        for (const [at, app] of record.totp.entries()) {
          const used = this.#match(app, code);
          if (used !== undefined)
            return { next: { ...record, totp: record.totp.with(at, used) }, result: 'totp' };
        }
        const hash = hashOfRecoveryCode(code);
        if (hash === undefined || !record.recovery.includes(hash)) return undefined;
        const recovery = record.recovery.filter((other) => other !== hash);
        return { next: { ...record, recovery }, result: 'recovery' };
      }),
    );
  }

  /** Gives ten new recovery codes, shown once; the former ones end. `undefined` for a user without any factor. */
  newRecoveryCodes(user: string): Promise<readonly string[] | undefined> {
    return this.#options.shelf.change(user, (record) => {
      if (record.totp.length + record.passkeys.length === 0) return undefined;
      const codes = newRecoveryCodes();
      return {
        next: { ...record, recovery: codes.flatMap((code) => hashOfRecoveryCode(code) ?? []) },
        result: codes,
      };
    });
  }

  #match(app: TotpRecord, code: string): TotpRecord | undefined {
    const nowMs = this.#options.clock();
    const secret = Buffer.from(app.secret, 'base64url');
    const step = matchTotp(secret, code, Math.floor(nowMs / 1000), app.nextStep);
    return step === undefined ? undefined : { ...app, nextStep: step + 1, lastUsedMs: nowMs };
  }

  #fresh({ pending }: FactorRecord): readonly TotpRecord[] {
    const nowMs = this.#options.clock();
    return pending.filter((app) => nowMs - app.createdAtMs < PENDING_MS);
  }
}

/** Gives what lists show of an authenticator app. */
export function totpView({
  id,
  name,
  createdAtMs,
  lastUsedMs,
}: Omit<TotpRecord, 'secret' | 'nextStep'>): TotpView {
  return {
    id,
    name,
    createdAtSec: Math.floor(createdAtMs / 1000),
    lastUsedSec: lastUsedMs === undefined ? undefined : Math.floor(lastUsedMs / 1000),
  };
}
