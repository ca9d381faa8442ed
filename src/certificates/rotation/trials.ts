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
/** A rotation is undone when so many clients refuse, */
const LEAST_REFUSALS = 10;
/** at so many addresses (IPv6: /64), so that no single one can have it undone, */
const LEAST_ADDRESSES = 3;
/** and of the clients that took the certificate before, half or more do not any longer. */
const LEAST_SHARE = 0.5;
/** Beyond this many handshakes the older ones count half. */
const MEMORY = 1000;

interface Tally {
  taken: number;
  refused: number;
}

interface Trial extends Tally {
  readonly fingerprint256: string;
  readonly untilMs: number;
  readonly shareBefore: number;
  readonly addresses: Set<string>;
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
    const shareBefore = shareOf(this.#tallies.get(certificate) ?? { taken: 0, refused: 0 });
    const trial = {
      fingerprint256,
      untilMs,
      shareBefore,
      addresses: new Set<string>(),
      taken: 0,
      refused: 0,
    };
    this.#trials.set(certificate, trial);
  }

  sample(sample: HandshakeSample): void {
    const tally = this.#tallies.get(sample.certificate) ?? { taken: 0, refused: 0 };
    this.#tallies.set(sample.certificate, tally);
    count(tally, sample);
    const trial = this.#trials.get(sample.certificate);
    if (trial === undefined) return;
    if (this.#clock() > trial.untilMs) {
      this.#trials.delete(sample.certificate);
      return;
    }
    count(trial, sample);
    if (!sample.refused) return;
    trial.addresses.add(ipPrefix(sample.address));
    if (!isBad(trial)) return;
    this.#trials.delete(sample.certificate);
    this.#onBad(sample.certificate, trial.fingerprint256);
  }
}

function count(tally: Tally, { refused }: HandshakeSample): void {
  if (refused) tally.refused++;
  else tally.taken++;
  if (tally.taken + tally.refused < MEMORY) return;
  tally.taken /= 2;
  tally.refused /= 2;
}

function shareOf({ taken, refused }: Tally): number {
  return refused === 0 ? 0 : refused / (taken + refused);
}

function isBad(trial: Trial): boolean {
  const share = shareOf(trial);
  return (
    trial.refused >= LEAST_REFUSALS &&
    trial.addresses.size >= LEAST_ADDRESSES &&
    share >= trial.shareBefore + LEAST_SHARE * (1 - trial.shareBefore)
  );
}
