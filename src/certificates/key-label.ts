import type { KeyObject } from 'node:crypto';
import { type Problem, problem } from './problem.ts';

const CURVES: Readonly<Record<string, string>> = {
  prime256v1: 'P-256',
  secp384r1: 'P-384',
  secp521r1: 'P-521',
};
/** Browsers take no longer one. */
const MOST_EXPONENT = 2n ** 33n - 1n;

/** Gives the words for a key, with a problem when no browser would take it or it is too weak. */
export function keyLabel(key: KeyObject, who: string, problems: Problem[]): string {
  const details = key.asymmetricKeyDetails ?? {};
  if (key.asymmetricKeyType === 'rsa') {
    const bits = details.modulusLength ?? 0;
    if (bits < 2048)
      problems.push(problem('key-weak', `${who} has an RSA key of ${bits} bits; at least 2048 are needed.`));
    if (bits > 8192)
      problems.push(
        problem(
          'key-weak',
          `${who} has an RSA key of ${bits} bits, which makes every handshake slow; at most 8192 are accepted.`,
        ),
      );
    const exponent = details.publicExponent ?? 0n;
    if (exponent < 65537n || exponent > MOST_EXPONENT) {
      problems.push(
        problem('key-weak', `${who} has an RSA key with the exponent ${exponent}; 65537 is needed.`),
      );
    }
    return `RSA ${bits}`;
  }
  if (key.asymmetricKeyType === 'ec') {
    const label = CURVES[details.namedCurve ?? ''];
    if (label === undefined) {
      problems.push(
        problem('key-weak', `${who} has a key on the curve ${details.namedCurve}; use P-256 or P-384.`),
      );
    }
    return `ECDSA ${label ?? details.namedCurve}`;
  }
  problems.push(
    problem(
      'key-type',
      `${who} has a key of the type ${key.asymmetricKeyType}, which browsers do not accept: use ECDSA P-256 or RSA.`,
    ),
  );
  return String(key.asymmetricKeyType);
}
