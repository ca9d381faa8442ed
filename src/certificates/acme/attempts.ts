import type { Clock } from '../../lib/clock.ts';
import { JsonFields } from '../../lib/json-fields.ts';
import type { Records } from '../../state/store.ts';
import type { AcmeError, AcmeReason } from './acme-error.ts';

/** How the orders of one certificate went, for all processes and over restarts. */
export interface Attempts {
  /** Failures in a row. */
  readonly failures: number;
  /** Nobody orders before it; milliseconds since the epoch. */
  readonly notBeforeMs: number;
  /** When the last order was filled; 0: never. */
  readonly orderedAtMs: number;
  /** Of the certificate that the last filled order gave. */
  readonly fingerprint256: string | undefined;
  /** Hosts of the last filled order. */
  readonly names: readonly string[];
  /** Orders in a row that did not last: the CA or somebody here wanted another pair in the first half of a life. */
  readonly repeats: number;
  /** The last pause, unless an order was filled after it. */
  readonly pause?: Pause;
  /** The last failure, unless an order was filled after it. */
  readonly failure?: OrderFailure;
}

/** A time in which nothing is ordered as long as the same pair is served. */
export interface Pause {
  readonly why: 'replaced' | 'hinted';
  /** Fingerprint of what is served. */
  readonly served: string;
  /** Milliseconds since the epoch. */
  readonly untilMs: number;
}

/** A filled order. */
export type FilledOrder = Pick<Attempts, 'orderedAtMs' | 'names' | 'repeats'> & {
  readonly fingerprint256: string;
};

/** Why an order was not filled. */
export interface OrderFailure {
  readonly reason: AcmeReason;
  /** For people. */
  readonly detail: string;
  /** Milliseconds since the epoch. */
  readonly atMs: number;
}

const PREFIX = 'acme/attempts/';
const NONE: Attempts = {
  failures: 0,
  notBeforeMs: 0,
  orderedAtMs: 0,
  fingerprint256: undefined,
  names: [],
  repeats: 0,
};
const LONGEST_MS = 24 * 3600_000;

/** First wait after a failure: short where the CA counts nothing, long where it counts certificates that nobody uses. */
const FIRST_MS: Readonly<Record<AcmeReason, number>> = {
  unreachable: 4_000,
  malformed: 60_000,
  'rate-limited': 3600_000,
  refused: 60_000,
  challenge: 60_000,
  hook: 60_000,
  timeout: 60_000,
  stopped: 4_000,
};

/** Gives how long to wait after a failure: doubled each time up to a day, with jitter, and never less than the CA asks for. */
export function backOffMs(error: AcmeError, failures: number, random = Math.random()): number {
  const full = Math.min(LONGEST_MS, FIRST_MS[error.reason] * 2 ** Math.min(30, failures - 1));
  return Math.max(error.retryAfterMs ?? 0, full * (0.5 + random / 2));
}

/** @throws SP_STATE_UNREACHABLE */
export async function readAttempts(records: Records, name: string): Promise<Attempts> {
  const stored = await records.get(PREFIX + name);
  if (stored === undefined) return NONE;
  try {
    const fields = new JsonFields(stored.value, (why) => new TypeError(why));
    return {
      failures: fields.count('failures'),
      notBeforeMs: fields.count('notBeforeMs'),
      orderedAtMs: fields.count('orderedAtMs'),
      fingerprint256: fields.optionalText('fingerprint256'),
      // Records of older releases have neither.
      names: fields.has('names') ? fields.texts('names') : [],
      repeats: fields.optionalCount('repeats') ?? 0,
      ...(fields.has('pause') ? { pause: decodePause(fields.fields('pause')) } : {}),
      ...(fields.has('failure') ? { failure: decodeFailure(fields.fields('failure')) } : {}),
    };
  } catch {
    return NONE;
  }
}

/** Notes a filled order; what was before it is forgotten. @throws SP_STATE_UNREACHABLE */
export async function noteSuccess(records: Records, name: string, filled: FilledOrder): Promise<void> {
  await write(records, name, { ...NONE, ...filled });
}

/** Notes that nothing is ordered for a time. @param past - as it was read @throws SP_STATE_UNREACHABLE */
export async function notePause(records: Records, name: string, past: Attempts, pause: Pause): Promise<void> {
  const repeats = pause.why === 'replaced' ? past.repeats + 1 : past.repeats;
  await write(records, name, { ...past, repeats, pause });
}

/** Notes a failure. @returns it, and when the next attempt may be made @throws SP_STATE_UNREACHABLE */
export async function noteFailure(
  records: Records,
  name: string,
  clock: Clock,
  error: AcmeError,
): Promise<OrderFailure & { readonly againAtMs: number }> {
  const before = await readAttempts(records, name);
  const failures = before.failures + 1;
  const atMs = clock();
  const notBeforeMs = Math.ceil(atMs + backOffMs(error, failures));
  const failure = { reason: error.reason, detail: error.detail ?? '', atMs };
  await write(records, name, { ...before, failures, notBeforeMs, failure });
  return { ...failure, againAtMs: notBeforeMs };
}

function decodeFailure(fields: JsonFields): OrderFailure {
  const reason = fields.text('reason');
  return {
    // A newer release may know more words.
    reason: isReason(reason) ? reason : 'refused',
    detail: fields.text('detail'),
    atMs: fields.count('atMs'),
  };
}

function isReason(word: string): word is AcmeReason {
  return Object.hasOwn(FIRST_MS, word);
}

function decodePause(fields: JsonFields): Pause {
  const why = fields.text('why') === 'hinted' ? 'hinted' : 'replaced';
  return { why, served: fields.text('served'), untilMs: fields.count('untilMs') };
}

async function write(records: Records, name: string, attempts: Attempts): Promise<void> {
  await records.put(PREFIX + name, Buffer.from(JSON.stringify(attempts)));
}
