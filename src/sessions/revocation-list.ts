/** What of a token can be revoked: itself, or all of its subject's up to a time. */
export interface TokenFacts {
  readonly jti: string | undefined;
  readonly subject: string | undefined;
  /** `iat`; `undefined` when the token does not say. */
  readonly issuedAtSec: number | undefined;
}

/** How large the list may grow before the first search for expired entries. */
const FIRST_SWEEP = 1024;

/** Revocations in memory: what was revoked stays so until its time is over, in whatever order and how often it is told. */
export class RevocationList {
  /** `jti` -> end of the revocation, milliseconds since the epoch. */
  readonly #tokens = new Map<string, number>();
  readonly #subjects = new Map<string, { readonly beforeSec: number; readonly untilMs: number }>();
  #sweepAt = FIRST_SWEEP;

  get size(): number {
    return this.#tokens.size + this.#subjects.size;
  }

  addToken(jti: string, untilMs: number, nowMs: number): void {
    if (untilMs <= nowMs) return;
    this.#tokens.set(jti, Math.max(untilMs, this.#tokens.get(jti) ?? 0));
    this.#sweep(nowMs);
  }

  addSubject(subject: string, beforeSec: number, untilMs: number, nowMs: number): void {
    if (untilMs <= nowMs) return;
    const known = this.#subjects.get(subject);
    this.#subjects.set(subject, {
      beforeSec: Math.max(beforeSec, known?.beforeSec ?? 0),
      untilMs: Math.max(untilMs, known?.untilMs ?? 0),
    });
    this.#sweep(nowMs);
  }

  /** Security: a token that does not say when it was issued counts as issued before. */
  isRevoked({ jti, subject, issuedAtSec }: TokenFacts, nowMs: number): boolean {
    if (jti !== undefined && (this.#tokens.get(jti) ?? 0) > nowMs) return true;
    const entry = subject === undefined ? undefined : this.#subjects.get(subject);
    if (entry === undefined || entry.untilMs <= nowMs) return false;
    return issuedAtSec === undefined || issuedAtSec < entry.beforeSec;
  }

  /** Forgets what is over each time the list has doubled: growth is bounded by what is in force. */
  #sweep(nowMs: number): void {
    if (this.size < this.#sweepAt) return;
    for (const [jti, untilMs] of this.#tokens) if (untilMs <= nowMs) this.#tokens.delete(jti);
    for (const [subject, { untilMs }] of this.#subjects) {
      if (untilMs <= nowMs) this.#subjects.delete(subject);
    }
    this.#sweepAt = Math.max(FIRST_SWEEP, this.size * 2);
  }
}
