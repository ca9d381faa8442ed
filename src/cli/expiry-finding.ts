import type { Clock } from '../lib/clock.ts';
import { dayOf } from '../lib/day-of.ts';
import { type Finding, finding } from './diagnosis.ts';
import { countedDays } from './expiry-words.ts';

const WARN_DAYS = 14;
const DAY_MS = 24 * 3600_000;

/** Tells when a certificate ends; a warning two weeks before, a failure after. @param note - what else there is to know of it */
export function expiryFinding(name: string, endsAtMs: number, clock: Clock, note?: string): Finding {
  const days = Math.floor((endsAtMs - clock()) / DAY_MS);
  const day = dayOf(endsAtMs);
  const more = note === undefined ? '' : `; ${note}`;
  if (days < 0) return finding('fail', 'certificate', `${name} ended on ${day}${more}`);
  const verdict = days < WARN_DAYS ? 'warn' : 'ok';
  return finding(verdict, 'certificate', `${name} ends on ${day}, in ${countedDays(days)}${more}`);
}
