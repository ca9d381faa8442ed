import type { Clock } from '../../lib/clock.ts';
import { ipPrefix } from '../../lib/ip-prefix.ts';

/** One handshake that ended. */
export interface HandshakeSample {
  /** Certificate that was served. */
  readonly certificate: string;
  readonly address: string;
  /** Whether the client turned the certificate down, or had no signature or cipher in common with it. */
  readonly refused: boolean;
}

/** How long handshakes are watched after a rotation. */
const WINDOW_MS = 20_000;
/** A rotation is undone when so many handshakes are refused, */
const LEAST_REFUSALS = 10;
/** at so many addresses (IPv6: /64), so that no single one can have it undone, */
const LEAST_ADDRESSES = 3;
/** and of the addresses that took the certificate before, half or more do not any longer. */
const LEAST_SHARE = 0.5;
/** Beyond this many addresses they are counted anew. */
const MEMORY = 1000;

/** Addresses, each once however often it comes: a single one can neither have a rotation undone nor keep it. */
interface Tally {
  readonly taken: Set<string>;
  readonly refused: Set<string>;
}

interface Trial extends Tally {
  readonly fingerprint256: string;
  readonly untilMs: number;
  readonly shareBefore: number;
  refusals: number;
}

/**
 * Watches handshakes after a rotation. Comes in: how each ended. Goes out: one call when clients refuse the new certificate.
 *
 * Security: a client can refuse a good certificate on purpose; that is why refusals of several addresses are needed.
 */
export class Trials {
  readonly #clock: Clock;
  readonly #onBad: (certificate: string, fingerprint256: string) => void;
  readonly #tallies = new Map<string, Tally>();
  readonly #trials = new Map<string, Trial>();

  constructor(clock: Clock, onBad: (certificate: string, fingerprint256: string) => void) {
    this.#clock = clock;
    this.#onBad = onBad;
  }

  /** Watches from now on what clients say to a new certificate; again without effect. */
  begin(certificate: string, fingerprint256: string): void {
    const present = this.#trials.get(certificate);
    if (present?.fingerprint256 === fingerprint256 && this.#clock() <= present.untilMs) return;
    const untilMs = this.#clock() + WINDOW_MS;
    const shareBefore = shareOf(this.#tallies.get(certificate) ?? empty());
    this.#trials.set(certificate, { ...empty(), fingerprint256, untilMs, shareBefore, refusals: 0 });
    this.#tallies.delete(certificate);
  }

  sample({ certificate, address, refused }: HandshakeSample): void {
    const tally = this.#tallies.get(certificate) ?? empty();
    this.#tallies.set(certificate, tally);
    const prefix = ipPrefix(address);
    count(tally, prefix, refused);
    const trial = this.#trials.get(certificate);
    if (trial === undefined) return;
    if (this.#clock() > trial.untilMs) {
      this.#trials.delete(certificate);
      return;
    }
    count(trial, prefix, refused);
    if (!refused) return;
    trial.refusals++;
    if (!isBad(trial)) return;
    this.#trials.delete(certificate);
    this.#onBad(certificate, trial.fingerprint256);
  }
}

function empty(): Tally {
  return { taken: new Set(), refused: new Set() };
}

function count({ taken, refused }: Tally, prefix: string, isRefused: boolean): void {
  if (taken.size + refused.size >= MEMORY) {
    taken.clear();
    refused.clear();
  }
  (isRefused ? refused : taken).add(prefix);
}

function shareOf({ taken, refused }: Tally): number {
  return refused.size === 0 ? 0 : refused.size / (taken.size + refused.size);
}

function isBad(trial: Trial): boolean {
  return (
    trial.refusals >= LEAST_REFUSALS &&
    trial.refused.size >= LEAST_ADDRESSES &&
    shareOf(trial) >= trial.shareBefore + LEAST_SHARE * (1 - trial.shareBefore)
  );
}
