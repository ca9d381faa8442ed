import { createPublicKey, type KeyObject, sign } from 'node:crypto';
import { alternativeName } from './alternative-name.ts';
import { cnSubject } from './cn-subject.ts';
import {
  bits,
  type DerNode,
  decode,
  encode,
  integer,
  none,
  octets,
  oid,
  sequence,
  set,
  tagged,
} from './der.ts';

const EXTENSION_REQUEST = '1.2.840.113549.1.9.14';
const SUBJECT_ALT_NAME = '2.5.29.17';
const ECDSA_SHA256 = '1.2.840.10045.4.3.2';
const RSA_SHA256 = '1.2.840.113549.1.1.11';

/**
 * Gives a certificate request as DER, the names as subject alternative names (RFC 2986, RFC 8555 §7.4).
 *
 * @param key - private, RSA or on P-256
 * @param names - host names, ASCII, and IP addresses (RFC 8738)
 * @param subject - common name, at most 64 characters (RFC 5280 appendix A.1); empty: no subject, which is all that ACME needs
 */
export function buildRequest(key: KeyObject, names: readonly string[], subject = ''): Buffer {
  const general = sequence(...names.map(alternativeName));
  const extension = sequence(oid(SUBJECT_ALT_NAME), octets(encode(general)));
  const tbs = sequence(
    integer(Buffer.of(0)),
    cnSubject(subject),
    decode(createPublicKey(key).export({ type: 'spki', format: 'der' })),
    tagged(0, sequence(oid(EXTENSION_REQUEST), set(sequence(extension)))),
  );
  return encode(sequence(tbs, algorithmOf(key), bits(sign('sha256', encode(tbs), key))));
}

function algorithmOf(key: KeyObject): DerNode {
  return key.asymmetricKeyType === 'rsa' ? sequence(oid(RSA_SHA256), none()) : sequence(oid(ECDSA_SHA256));
}
