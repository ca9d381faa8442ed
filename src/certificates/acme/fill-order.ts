import { setTimeout as sleep } from 'node:timers/promises';
import { asGatewayError } from '../../errors.ts';
import { AcmeError, asOrderError } from './acme-error.ts';
import { noteFailure, noteSuccess, readAttempts, restsUntilMs } from './attempts.ts';
import { type AcmeSource, type IssueParts, issue } from './issue.ts';
import type { OrderedPair } from './order.ts';
import { repeatsAfter, type Situation } from './pause.ts';

/** A certificate that is to be kept fresh. */
export interface Kept {
  readonly name: string;
  readonly names: readonly string[];
  readonly source: AcmeSource;
}

export interface FillParts extends IssueParts {
  /** Checks, stores and serves a pair on every process. @returns its fingerprint */
  readonly serve: (name: string, pair: OrderedPair) => Promise<string>;
}

/** What an order is made under: `signal` gives it up, `holds` tells whether it still is ours to make. */
export interface OrderLease {
  readonly signal: AbortSignal;
  readonly holds: () => Promise<boolean>;
}

const TRY_AGAIN_MS = 2_000;
/** How often a new pair is offered to the keeper. */
const SERVE_TRIES = 10;

/**
 * Orders a certificate, has it served, and notes that, or why and how long each directory rests that did not fill the order.
 *
 * @returns the fingerprint of what is served now; `undefined` when no directory gave what can be served
 * @throws AcmeError when it is given up; SP_STATE_UNREACHABLE: neither is noted
 */
export async function fillOrder(
  parts: FillParts,
  { name, names, source }: Kept,
  situation: Situation,
  lease: OrderLease,
): Promise<string | undefined> {
  const { clock, records, logger } = parts;
  logger.info({ certificate: name, names }, 'a certificate is being ordered');
  const directories = source.directories.filter((url) => restsUntilMs(situation.past, url) <= clock());
  const onFailure = async (directory: string, error: AcmeError): Promise<void> => {
    const unfilled = { error, resting: [directory], directories: source.directories };
    await noteFailure(records, name, clock, unfilled);
  };
  const order = { names, present: situation.pair?.certificate, directories, onFailure };
  const issued = await issue(parts, source, order, lease.signal);
  if (issued === undefined) return undefined;
  try {
    const fingerprint256 = await serve(parts, name, issued.pair, lease);
    await noteFilled(parts, { name, names, source }, situation, fingerprint256);
    return fingerprint256;
  } catch (error) {
    if (asGatewayError(error).code !== 'SP_CERTIFICATE_INVALID') throw error;
    await onFailure(issued.directory, asOrderError(error));
    return undefined;
  }
}

/** A directory that named a time is not asked before it, although another one filled the order. */
async function noteFilled(
  { clock, records }: FillParts,
  { name, names, source }: Kept,
  situation: Situation,
  fingerprint256: string,
): Promise<void> {
  const { rests = [] } = await readAttempts(records, name);
  const [orderedAtMs, repeats] = [clock(), repeatsAfter(situation)];
  const still = rests.filter(
    ({ directory, notBeforeMs }) => source.directories.includes(directory) && notBeforeMs > orderedAtMs,
  );
  const filled = { orderedAtMs, fingerprint256, names, repeats };
  await noteSuccess(records, name, still.length > 0 ? { ...filled, rests: still } : filled);
}

/** A pair that cannot be stored at the moment is not thrown away: the CA counts every one that it gives. */
async function serve(
  parts: FillParts,
  name: string,
  ordered: OrderedPair,
  { signal, holds }: OrderLease,
): Promise<string> {
  for (let tries = 1; ; tries++) {
    try {
      if (!(await holds())) throw new AcmeError({ reason: 'stopped', detail: 'another process took over' });
      return await parts.serve(name, ordered);
    } catch (error) {
      const { code } = asGatewayError(error);
      const final = code === 'SP_CERTIFICATE_INVALID' || error instanceof AcmeError;
      if (final || tries >= SERVE_TRIES) throw error;
      await sleep(TRY_AGAIN_MS, undefined, { signal });
    }
  }
}
