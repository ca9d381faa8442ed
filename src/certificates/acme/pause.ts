import type { CertificatePair } from '../certificate.ts';
import type { Attempts, Pause } from './attempts.ts';
import type { Due } from './due.ts';

/** What is known when it is decided whether to order. */
export interface Situation {
  /** What is served. */
  readonly pair: CertificatePair | undefined;
  readonly past: Attempts;
  readonly why: Due['why'];
}

const FIRST_MS = 12 * 3600_000;
const MOST_DOUBLINGS = 20;
/** Least part of the served certificate's life between two orders that do not last. */
const LEAST_PART = 1 / 100;

/**
 * Gives how long nothing is ordered although it is due, because an order would only repeat the last one; `undefined` when it is
 * ordered.
 *
 * Why:
 * - `replaced`: the pair of the last order was left for another one.
 * - `hinted`: the pair is young, and so was the one before it when the CA wanted that renewed.
 *
 * How long:
 * - 12 hours, doubled with each repetition;
 * - at most half of what the served certificate has left, so that there are further attempts before it ends;
 * - where that half is less than a hundredth of its life, that hundredth;
 * - never past its end: one that has ended is not waited for.
 */
export function pauseFor(situation: Situation, nowMs: number): Pause | undefined {
  const { pair, past, why } = situation;
  if (pair === undefined) return undefined;
  const isHinted = why === 'hint' && past.repeats > 0;
  if (!isReplaced(situation) && !isHinted) return undefined;
  const [from, repeats] = isReplaced(situation)
    ? [nowMs, past.repeats]
    : [past.orderedAtMs, past.repeats - 1];
  const untilMs = from + lengthMs(pair, repeats, from);
  if (untilMs <= nowMs) return undefined;
  return { why: isReplaced(situation) ? 'replaced' : 'hinted', served: pair.fingerprint256, untilMs };
}

/**
 * Gives the pause that was noted for what is served, over or not.
 *
 * @param hasArrived - what is served is served anew: then only a pause that is not over stands
 */
export function standingPause(
  { pair, past: { pause } }: Situation,
  nowMs: number,
  hasArrived: boolean,
): Pause | undefined {
  if (pause === undefined || pause.served !== pair?.fingerprint256) return undefined;
  return hasArrived && pause.untilMs <= nowMs ? undefined : pause;
}

/** Gives how many orders in a row were repetitions when one is filled now. */
export function repeatsAfter(situation: Situation): number {
  const { past, why } = situation;
  if (isReplaced(situation)) return past.repeats;
  return why === 'hint' ? past.repeats + 1 : 0;
}

/** Whether another pair than that of the last filled order is served, and the configuration does not ask for more. */
function isReplaced({ pair, past, why }: Situation): boolean {
  if (pair === undefined || past.fingerprint256 === undefined) return false;
  return (why === 'hint' || why === 'life') && pair.fingerprint256 !== past.fingerprint256;
}

function lengthMs({ notBeforeMs, notAfterMs }: CertificatePair, repeats: number, fromMs: number): number {
  const left = Math.max(0, notAfterMs - fromMs);
  const most = Math.max(left / 2, (notAfterMs - notBeforeMs) * LEAST_PART);
  return Math.ceil(Math.min(left, most, FIRST_MS * 2 ** Math.min(MOST_DOUBLINGS, repeats)));
}
