import { type KeyObject, sign, X509Certificate } from 'node:crypto';
import {
  bits,
  children,
  decode,
  dotted,
  encode,
  integer,
  oid,
  retagged,
  sequence,
  tagged,
  time,
} from '../../src/certificates/der.ts';
import { toPem } from '../../src/certificates/x509-builder.ts';
import { type Authority, authority, leaf } from '../fixtures/certificates/pki.ts';

const HOUR_MS = 3600_000;
const CLIENT_AUTH = '1.3.6.1.5.5.7.3.2';
const ECDSA_SHA256 = '1.2.840.10045.4.3.2';

/** What a client shows, PEM. */
export interface Shown {
  readonly cert: string;
  readonly key: string;
}

/** Makes an authority for clients that holds now. */
export function clientAuthority(subject: string): Authority {
  return authority(subject, { notBeforeMs: Date.now() - HOUR_MS, notAfterMs: Date.now() + HOUR_MS });
}

export interface ClientLeaf {
  readonly subject: string;
  readonly emails?: readonly string[];
  readonly notBeforeMs?: number;
  readonly notAfterMs?: number;
  readonly usages?: readonly string[];
}

/** Makes a certificate for a client. */
export function clientLeaf(parent: Authority, spec: ClientLeaf): Shown {
  const { subject, emails = [] } = spec;
  const names = emails.map((email) => retagged(1, Buffer.from(email, 'latin1')));
  const made = leaf(parent, [], {
    subject,
    usages: spec.usages ?? [CLIENT_AUTH],
    notBeforeMs: spec.notBeforeMs ?? Date.now() - HOUR_MS,
    notAfterMs: spec.notAfterMs ?? Date.now() + HOUR_MS,
    extra: names.length === 0 ? [] : [{ id: '2.5.29.17', value: encode(sequence(...names)) }],
  });
  return { cert: made.certificate, key: made.keyPem };
}

/**
 * Makes a revocation list (RFC 5280 §5.1).
 *
 * @param revoked - certificates, PEM
 * @param nextUpdateMs - `undefined`: an hour from now; `never`: the list does not say
 */
export function revocationList(
  issuer: Authority,
  revoked: readonly string[],
  nextUpdateMs: number | 'never' = Date.now() + HOUR_MS,
  thisUpdateMs = Math.min(Date.now(), nextUpdateMs === 'never' ? Date.now() : nextUpdateMs) - HOUR_MS,
): string {
  const [tbs] = children(decode(new X509Certificate(issuer.certificate).raw));
  const name = children(tbs)[5];
  if (name === undefined) throw new Error('no subject');
  const algorithm = sequence(oid(ECDSA_SHA256));
  const entries = revoked.map((pem) => {
    const serial = Buffer.from(new X509Certificate(pem).serialNumber, 'hex');
    return sequence(integer(serial), time(Date.now() - HOUR_MS));
  });
  const list = sequence(
    integer(Buffer.from([1])),
    algorithm,
    name,
    time(thisUpdateMs),
    ...(nextUpdateMs === 'never' ? [] : [time(nextUpdateMs)]),
    ...(entries.length === 0 ? [] : [sequence(...entries)]),
  );
  return toPem('X509 CRL', encode(sequence(list, algorithm, bits(sign('sha256', encode(list), issuer.key)))));
}

/** Gives a revocation list anew with the id of the key of its issuer, a root (RFC 5280 §5.2.1). */
export function withAuthorityKeyId(pem: string, issuer: Authority): string {
  const [certified] = children(decode(new X509Certificate(issuer.certificate).raw));
  const extensions = children(children(children(certified).at(-1))[0]);
  const id = extensions.filter((extension) => dotted(children(extension)[0]) === '2.5.29.35');
  const [tbs, algorithm] = children(decode(Buffer.from(pem.replaceAll(/-----[^-]+-----|\s/g, ''), 'base64')));
  if (algorithm === undefined) throw new Error('no revocation list');
  const list = sequence(...children(tbs), tagged(0, sequence(...id)));
  return toPem('X509 CRL', encode(sequence(list, algorithm, bits(sign('sha256', encode(list), issuer.key)))));
}

/** Gives a certificate anew without the ids of keys, so that only its signature tells who made it. @param key - of its issuer */
export function withoutKeyIds(pem: string, key: KeyObject): string {
  const [tbs] = children(decode(new X509Certificate(pem).raw));
  const fields = children(tbs);
  const extensions = children(children(fields.at(-1))[0]);
  const kept = extensions.filter(
    (extension) => !['2.5.29.14', '2.5.29.35'].includes(dotted(children(extension)[0])),
  );
  const algorithm = sequence(oid(ECDSA_SHA256));
  const body = sequence(...fields.slice(0, -1), tagged(3, sequence(...kept)));
  return toPem('CERTIFICATE', encode(sequence(body, algorithm, bits(sign('sha256', encode(body), key)))));
}
