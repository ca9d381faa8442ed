import type { Clock } from '../../lib/clock.ts';
import { JsonFields } from '../../lib/json-fields.ts';
import type { Records } from '../../state/store.ts';
import type { AcmeError, AcmeReason } from './acme-error.ts';

/** How the orders of one certificate went, for all processes and over restarts. */
export interface Attempts {
  /** Failures in a row, of all directories. */
  readonly failures: number;
  /** Nobody orders before it; milliseconds since the epoch. Without `rests`, as older releases wrote it, of every directory. */
  readonly notBeforeMs: number;
  /** The directories that failed since they filled an order. */
  readonly rests?: readonly DirectoryRest[];
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

/** Why and how long a directory is not asked for one certificate. */
export interface DirectoryRest {
  readonly directory: string;
  /** Failures in a row. */
  readonly failures: number;
  /** Milliseconds since the epoch. */
  readonly notBeforeMs: number;
  readonly reason: AcmeReason;
  /** For people. */
  readonly detail: string;
}

/** What was not filled, and who rests for it. */
export interface Unfilled {
  readonly error: AcmeError;
  /** Directories that are not asked for a time. */
  readonly resting: readonly string[];
  /** All directories of the certificate, in written order. */
  readonly directories: readonly string[];
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
export type FilledOrder = Pick<Attempts, 'orderedAtMs' | 'names' | 'repeats' | 'rests'> & {
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
      ...(fields.has('rests') ? { rests: fields.objects('rests').map(decodeRest) } : {}),
      ...(fields.has('pause') ? { pause: decodePause(fields.fields('pause')) } : {}),
      ...(fields.has('failure') ? { failure: decodeFailure(fields.fields('failure')) } : {}),
    };
  } catch {
    return NONE;
  }
}

/** Gives when a directory may be asked, milliseconds since the epoch; 0: now. */
export function restsUntilMs(past: Attempts, directory: string): number {
  return restOf(past, directory)?.notBeforeMs ?? 0;
}

/** Gives when the first of some directories may be asked, milliseconds since the epoch. */
export function nextAttemptMs(past: Attempts, directories: readonly string[]): number {
  return Math.min(...directories.map((directory) => restsUntilMs(past, directory)));
}

/** Notes a filled order; what was before it, and is not part of it, is forgotten. @throws SP_STATE_UNREACHABLE */
export async function noteSuccess(records: Records, name: string, filled: FilledOrder): Promise<void> {
  await write(records, name, { ...NONE, ...filled });
}

/** Notes that nothing is ordered for a time. @param past - as it was read @throws SP_STATE_UNREACHABLE */
export async function notePause(records: Records, name: string, past: Attempts, pause: Pause): Promise<void> {
  const repeats = pause.why === 'replaced' ? past.repeats + 1 : past.repeats;
  await write(records, name, { ...past, repeats, pause });
}

/**
 * Notes a failure; only the directories that it is of rest for it.
 *
 * @returns it, and when the next attempt may be made; with several directories, `detail` names each that rests
 * @throws SP_STATE_UNREACHABLE
 */
export async function noteFailure(
  records: Records,
  name: string,
  clock: Clock,
  { error, resting, directories }: Unfilled,
): Promise<OrderFailure & { readonly againAtMs: number }> {
  const before = await readAttempts(records, name);
  const atMs = clock();
  const rests = directories.flatMap((directory) => {
    const rest = restOf(before, directory);
    if (!resting.includes(directory)) return rest ?? [];
    const failures = (rest?.failures ?? 0) + 1;
    const notBeforeMs = Math.ceil(atMs + backOffMs(error, failures));
    return { directory, failures, notBeforeMs, reason: error.reason, detail: error.detail ?? '' };
  });
  const [longest] = rests.toSorted((a, b) => b.notBeforeMs - a.notBeforeMs);
  const told = rests.filter(({ notBeforeMs }) => notBeforeMs > atMs).map(restText);
  const detail = directories.length > 1 ? told.join('; ') : (error.detail ?? '');
  const failure = { reason: longest?.reason ?? error.reason, detail, atMs };
  const after = { ...before, failures: before.failures + 1, rests, failure };
  const notBeforeMs = nextAttemptMs(after, directories);
  await write(records, name, { ...after, notBeforeMs });
  return { ...failure, againAtMs: Math.max(atMs, notBeforeMs) };
}

function restOf(past: Attempts, directory: string): DirectoryRest | undefined {
  const { rests, failures, notBeforeMs, failure } = past;
  if (rests !== undefined) return rests.find((rest) => rest.directory === directory);
  if (failures === 0) return undefined;
  return {
    directory,
    failures,
    notBeforeMs,
    reason: failure?.reason ?? 'refused',
    detail: failure?.detail ?? '',
  };
}

function restText({ directory, notBeforeMs, detail }: DirectoryRest): string {
  return `${directory} rests until ${new Date(notBeforeMs).toISOString()} (${detail})`;
}

function decodeRest(fields: JsonFields): DirectoryRest {
  return {
    directory: fields.text('directory'),
    failures: fields.count('failures'),
    notBeforeMs: fields.count('notBeforeMs'),
    reason: decodeReason(fields),
    detail: fields.text('detail'),
  };
}

function decodeFailure(fields: JsonFields): OrderFailure {
  return {
    reason: decodeReason(fields),
    detail: fields.text('detail'),
    atMs: fields.count('atMs'),
  };
}

function decodeReason(fields: JsonFields): AcmeReason {
  const reason = fields.text('reason');
  // A newer release may know more words.
  return isReason(reason) ? reason : 'refused';
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
