import type { JsonFields } from '../../lib/json-fields.ts';
import { buildRequest } from '../csr.ts';
import { newKey } from '../new-key.ts';
import { type AcmeConnection, fieldsOf, locationOf, malformed } from './acme-connection.ts';
import { AcmeError } from './acme-error.ts';
import { poll } from './poll.ts';
import { problemText } from './problem-document.ts';
import { proveNames } from './prove-names.ts';
import type { Prover } from './prover.ts';
import type { Reply } from './wire.ts';

/** What is ordered. */
export interface OrderPlan {
  readonly names: readonly string[];
  readonly keyType: 'ecdsa' | 'rsa';
  /** Id of the certificate that the new one takes the place of, so that rate limits do not count it (RFC 9773 §5). */
  readonly replaces: string | undefined;
  readonly prover: Prover;
}

/** A chain as the CA gave it, not yet checked, and its key. */
export interface OrderedPair {
  readonly certificate: string;
  readonly key: string;
}

/** The CA does not know, or does not want, the certificate that is said to be replaced. */
const NOT_REPLACEABLE = new Set(['malformed', 'alreadyReplaced', 'conflict', 'unauthorized']);

/**
 * Orders a certificate with a new key (RFC 8555 §7.4). The CA's first chain is taken.
 *
 * @param connection - with its account open
 * @throws AcmeError; the signal's reason when it was given up
 */
export async function orderCertificate(
  connection: AcmeConnection,
  plan: OrderPlan,
  signal: AbortSignal,
): Promise<OrderedPair> {
  const placed = await place(connection, plan);
  const url = locationOf(placed);
  const order = fieldsOf(placed);
  await proveNames(connection, order.texts('authorizations'), plan.prover, signal);
  const ask = (): Promise<Reply> => connection.post(url, undefined, { what: 'the order' });
  const ready = await poll(ask, connection.clock, signal, (fields) => fields.text('status') !== 'pending');
  if (ready.text('status') !== 'ready') throw rejected(ready);
  const { key, pem } = await newKey(plan.keyType);
  const csr = buildRequest(key, plan.names).toString('base64url');
  await connection.post(order.text('finalize'), { csr }, { what: 'the request' });
  const done = await poll(ask, connection.clock, signal, (fields) => fields.text('status') !== 'processing');
  if (done.text('status') !== 'valid') throw rejected(done);
  const chain = await connection.post(done.text('certificate'), undefined, {
    what: 'the certificate',
    accept: 'application/pem-certificate-chain',
  });
  const certificate = chain.body.toString('latin1');
  if (!certificate.includes('-----BEGIN CERTIFICATE-----')) throw malformed('no certificate');
  return { certificate, key: pem };
}

async function place(connection: AcmeConnection, { names, replaces }: OrderPlan): Promise<Reply> {
  const { newOrder, renewalInfo } = connection.directory;
  const identifiers = names.map((value) => ({ type: 'dns', value }));
  const what = { what: 'the order' };
  if (replaces === undefined || renewalInfo === undefined) {
    return await connection.post(newOrder, { identifiers }, what);
  }
  try {
    return await connection.post(newOrder, { identifiers, replaces }, what);
  } catch (error) {
    if (!(error instanceof AcmeError && NOT_REPLACEABLE.has(error.type ?? ''))) throw error;
    return await connection.post(newOrder, { identifiers }, what);
  }
}

function rejected(order: JsonFields): AcmeError {
  const problem = order.has('error') ? problemText(order.fields('error')) : undefined;
  return new AcmeError({
    reason: 'refused',
    detail: `the CA did not fill the order: ${problem?.text ?? `it is ${order.text('status')}`}`,
    type: problem?.type,
  });
}
