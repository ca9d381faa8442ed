import { createPrivateKey, type KeyObject } from 'node:crypto';
import { children, content, type DerNode, decode, dotted, isTagged, isType } from './der.ts';
import { type Problem, problem } from './problem.ts';

/** How a private key that is not encrypted is written: RFC 5958, RFC 8017 appendix A.1.2, RFC 5915. */
export type KeyForm = 'pkcs8' | 'pkcs1' | 'sec1';

/** An RSA key of 16,384 bits, twice the longest one that is accepted, has less than 10 KiB. */
const MAX_KEY_BYTES = 16 * 1024;
/** Browsers take public exponents of 33 bits at most. */
const MAX_EXPONENT_BYTES = 5;

const OBJECT_IDENTIFIER = 6;
const INTEGER = 2;
const OCTET_STRING = 4;
const RSA = new Set(['1.2.840.113549.1.1.1', '1.2.840.113549.1.1.10']);
const EC = '1.2.840.10045.2.1';
/** Ed25519 and Ed448 are read, so that it can be said what they are. */
const EDWARDS = new Set(['1.3.101.112', '1.3.101.113']);

const UNREADABLE = problem('key-unreadable', 'The key is damaged or of a kind that is not supported.');
const UNNAMED = problem('key-type', 'The key is on a curve without a name: use ECDSA P-256 or RSA.');

function checkRsa(key: DerNode): Problem | undefined {
  const [, modulus, exponent] = children(key);
  if (!isType(modulus, INTEGER) || !isType(exponent, INTEGER)) return UNREADABLE;
  if (content(exponent).length <= MAX_EXPONENT_BYTES) return undefined;
  return problem('key-weak', 'The RSA key has a public exponent that clients refuse; 65537 is needed.');
}

function checkEc(key: DerNode): Problem | undefined {
  // OpenSSL takes keys of any other form and kind under this label as well.
  if (!isType(children(key)[1], OCTET_STRING)) return UNREADABLE;
  const parameters = children(key).find((node) => isTagged(node, 0));
  if (parameters === undefined || isType(children(parameters)[0], OBJECT_IDENTIFIER)) return undefined;
  return UNNAMED;
}

function checkPkcs8(key: DerNode): Problem | undefined {
  const [version, algorithm, wrapped] = children(key);
  const [id, parameters] = children(algorithm);
  // What is encrypted has its algorithm in front.
  if (!isType(version, INTEGER)) return UNREADABLE;
  const kind = dotted(id);
  if (RSA.has(kind)) return checkRsa(decode(content(wrapped)));
  if (kind === EC) {
    return isType(parameters, OBJECT_IDENTIFIER) ? checkEc(decode(content(wrapped))) : UNNAMED;
  }
  if (EDWARDS.has(kind)) return undefined;
  const text = `The key is of the kind ${kind}, which browsers do not accept: use ECDSA P-256 or RSA.`;
  return problem('key-type', text);
}

const CHECKS = { pkcs8: checkPkcs8, pkcs1: checkRsa, sec1: checkEc };

/**
 * Reads a private key that is not encrypted. Never throws.
 *
 * Security: OpenSSL computes with keys of some kinds while it reads them, for minutes if they are made for it. Only RSA, EC
 * on a curve with a name and Edwards keys of 16 KiB at most reach it, and none that is encrypted.
 */
export function readPlainKey(bytes: Buffer, form: KeyForm): KeyObject | Problem {
  if (bytes.length > MAX_KEY_BYTES)
    return problem(
      'too-large',
      'The key is larger than 16 KiB, which is more than any key that is accepted.',
    );
  try {
    return CHECKS[form](decode(bytes)) ?? createPrivateKey({ key: bytes, format: 'der', type: form });
  } catch {
    return UNREADABLE;
  }
}
