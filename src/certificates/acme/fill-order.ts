import { setTimeout as sleep } from 'node:timers/promises';
import { asGatewayError } from '../../errors.ts';
import { AcmeError } from './acme-error.ts';
import { noteSuccess } from './attempts.ts';
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
 * Orders a certificate, has it served, and notes that.
 *
 * @returns the fingerprint of what is served now
 * @throws AcmeError; SP_CERTIFICATE_INVALID for a pair that cannot be served; SP_STATE_UNREACHABLE
 */
export async function fillOrder(
  parts: FillParts,
  { name, names, source }: Kept,
  situation: Situation,
  lease: OrderLease,
): Promise<string> {
  const { clock, records, logger } = parts;
  logger.info({ certificate: name, names }, 'a certificate is being ordered');
  const ordered = await issue(parts, source, { names, present: situation.pair?.certificate }, lease.signal);
  const fingerprint256 = await serve(parts, name, ordered, lease);
  const repeats = repeatsAfter(situation);
  await noteSuccess(records, name, { orderedAtMs: clock(), fingerprint256, names, repeats });
  return fingerprint256;
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
