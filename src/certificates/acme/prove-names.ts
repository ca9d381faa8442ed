import type { JsonFields } from '../../lib/json-fields.ts';
import { type AcmeConnection, fieldsOf, malformed } from './acme-connection.ts';
import { AcmeError } from './acme-error.ts';
import { jwkOf, thumbprint } from './jws.ts';
import { poll } from './poll.ts';
import { problemText } from './problem-document.ts';
import type { Prover } from './prover.ts';

const TOKEN = /^[A-Za-z0-9_-]{16,128}$/;

/**
 * Proves every name of an order, one after the other: two wildcards may need the same DNS name.
 *
 * @param urls - of the order's authorizations
 * @throws AcmeError; `challenge` with the CA's words when it saw something else
 */
export async function proveNames(
  connection: AcmeConnection,
  urls: readonly string[],
  prover: Prover,
  signal: AbortSignal,
): Promise<void> {
  for (const url of urls) await proveName(connection, url, prover, signal);
}

async function proveName(
  connection: AcmeConnection,
  url: string,
  prover: Prover,
  signal: AbortSignal,
): Promise<void> {
  const first = fieldsOf(await connection.post(url, undefined, { what: 'an authorization' }));
  const host = first.fields('identifier').text('value');
  const status = first.text('status');
  if (status === 'valid') return;
  if (status !== 'pending') throw refusal(host, first, prover.type);
  const challenge = first.objects('challenges').find((one) => one.text('type') === prover.type);
  if (challenge === undefined) {
    throw new AcmeError({ reason: 'refused', detail: `the CA offers no ${prover.type} for ${host}` });
  }
  const token = challenge.text('token');
  if (!TOKEN.test(token)) throw malformed('a token');
  const proof = { host, token, keyAuthorization: `${token}.${thumbprint(jwkOf(connection.key))}` };
  try {
    await prover.show(proof);
    signal.throwIfAborted();
    await connection.post(challenge.text('url'), {}, { what: `the challenge of ${host}` });
    const ask = () => connection.post(url, undefined, { what: 'an authorization' });
    const last = await poll(ask, connection.clock, signal, (fields) => fields.text('status') !== 'pending');
    if (last.text('status') !== 'valid') throw refusal(host, last, prover.type);
  } finally {
    await prover.hide(proof);
  }
}

function refusal(host: string, authorization: JsonFields, type: string): AcmeError {
  const challenges = authorization.objects('challenges');
  const failed = challenges.find((one) => one.text('type') === type && one.has('error'));
  const problem = failed === undefined ? undefined : problemText(failed.fields('error'));
  const status = authorization.text('status');
  return new AcmeError({
    reason: 'challenge',
    detail: `the CA did not accept ${host} by ${type}: ${problem?.text ?? `the authorization is ${status}`}`,
    type: problem?.type,
  });
}
