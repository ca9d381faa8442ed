import { readFile } from 'node:fs/promises';
import type { CertificateConfig } from '../../config/config.ts';
import type { Clock } from '../../lib/clock.ts';
import type { Logger } from '../../lib/logger.ts';
import type { Sealer } from '../../lib/seal.ts';
import type { Records } from '../../state/store.ts';
import { accountKey } from './account-keys.ts';
import { AcmeConnection, readDirectory } from './acme-connection.ts';
import { AcmeError, asAcmeError } from './acme-error.ts';
import type { ChallengeBoard } from './challenge-board.ts';
import { Deadline } from './deadline.ts';
import { dnsHook } from './dns-hook.ts';
import { type OrderedPair, orderCertificate } from './order.ts';
import { boardProver, hookProver, type Prover } from './prover.ts';
import { type RenewalHint, readRenewalHint, renewalId } from './renewal-hint.ts';
import { Wire } from './wire.ts';

/** Where and how a certificate is ordered. */
export type AcmeSource = Extract<CertificateConfig['source'], { readonly kind: 'acme' }>;

export interface IssueParts {
  readonly records: Records;
  readonly sealer: Sealer;
  readonly board: ChallengeBoard;
  readonly clock: Clock;
  readonly logger: Logger;
  /** How long a directory may take for an order, without the hook commands, before the next one is asked; default 5 minutes. */
  readonly directoryMs?: number;
}

/** What is ordered, and the chain that it takes the place of. */
export interface IssueOrder {
  readonly names: readonly string[];
  readonly present: string | undefined;
  /** Those that may be asked, in the order in which they are. */
  readonly directories: readonly string[];
  /** Is told of each directory that did not fill the order, before the next one is asked. */
  readonly onFailure: (directory: string, failure: AcmeError) => Promise<void>;
}

/** A pair, and who gave it. */
export interface Issued {
  readonly pair: OrderedPair;
  readonly directory: string;
}

const DIRECTORY_MS = 5 * 60_000;
/** Of an order at one directory, with the hook commands. */
const ORDER_MS = 15 * 60_000;

/**
 * Orders from the first directory that fills the order; `undefined` when none does.
 *
 * @throws AcmeError when it is given up; what `onFailure` rejects with
 */
export async function issue(
  parts: IssueParts,
  source: AcmeSource,
  order: IssueOrder,
  signal: AbortSignal,
): Promise<Issued | undefined> {
  for (const directory of order.directories) {
    try {
      return { directory, pair: await issueAt(directory, { parts, source, order }, signal) };
    } catch (error) {
      if (signal.aborted) throw asAcmeError(signal.reason);
      const failure = asAcmeError(error);
      const { reason, detail } = failure;
      parts.logger.warn({ names: order.names, directory, reason, detail }, 'a CA did not fill an order');
      await order.onFailure(directory, failure);
    }
  }
  return undefined;
}

interface Task {
  readonly parts: IssueParts;
  readonly source: AcmeSource;
  readonly order: IssueOrder;
}

async function issueAt(
  directoryUrl: string,
  { parts, source, order }: Task,
  given: AbortSignal,
): Promise<OrderedPair> {
  const { clock, directoryMs = DIRECTORY_MS } = parts;
  const { email, eab, keyType } = source;
  const trust = await readTrust(source);
  const deadline = new Deadline(directoryMs, tooLong(directoryMs));
  const signal = AbortSignal.any([given, deadline.signal, AbortSignal.timeout(ORDER_MS)]);
  const wire = new Wire(signal, trust);
  try {
    const directory = await readDirectory(wire, directoryUrl, clock);
    const key = await accountKey(parts, directoryUrl, [email, eab?.kid]);
    const connection = new AcmeConnection({ wire, directory, key, clock });
    const external = eab === undefined ? undefined : { kid: eab.kid, key: eab.key.reveal() };
    await connection.openAccount({ email, external });
    const replaces = order.present === undefined ? undefined : renewalId(order.present);
    const prover = proverOf(source, parts.board, { signal, deadline });
    return await orderCertificate(connection, { names: order.names, keyType, replaces, prover }, signal);
  } catch (error) {
    // What is given up rejects in many ways.
    throw signal.aborted ? signal.reason : error;
  } finally {
    deadline.end();
    wire.close();
  }
}

function tooLong(ms: number): AcmeError {
  return new AcmeError({ reason: 'timeout', detail: `the CA did not fill the order within ${ms / 1000} s` });
}

/**
 * Gives when the CA wants a chain to be renewed; `undefined` when no directory says so.
 *
 * @param certificate - PEM, leaf first
 * @throws AcmeError when none could be asked
 */
export async function askRenewalHint(
  { clock }: Pick<IssueParts, 'clock'>,
  source: AcmeSource,
  certificate: string,
  signal: AbortSignal,
): Promise<RenewalHint | undefined> {
  const id = renewalId(certificate);
  if (id === undefined) return undefined;
  let failure: AcmeError | undefined;
  for (const url of source.directories) {
    const wire = new Wire(signal, await readTrust(source));
    try {
      const directory = await readDirectory(wire, url, clock);
      const hint = await readRenewalHint(wire, directory, id, clock);
      if (hint !== undefined) return hint;
    } catch (error) {
      failure = asAcmeError(error);
    } finally {
      wire.close();
    }
  }
  if (failure !== undefined) throw failure;
  return undefined;
}

async function readTrust({ trust }: AcmeSource): Promise<string | undefined> {
  if (trust === undefined) return undefined;
  try {
    return await readFile(trust, 'utf8');
  } catch (cause) {
    throw new AcmeError({
      reason: 'refused',
      detail: 'the file of trusted authorities cannot be read',
      cause,
    });
  }
}

function proverOf(
  { challenge, hook }: AcmeSource,
  board: ChallengeBoard,
  { signal, deadline }: { readonly signal: AbortSignal; readonly deadline: Deadline },
): Prover {
  if (challenge !== 'dns-01') return boardProver(board, challenge);
  const run = dnsHook(hook, signal);
  return hookProver((...asked) => deadline.without(() => run(...asked)));
}
