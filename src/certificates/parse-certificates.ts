import { X509Certificate } from 'node:crypto';
import { type Problem, problem } from './problem.ts';
import { checkPublicKey } from './public-key.ts';

/** Most certificates of one upload, the leaf included. */
const MAX_CERTIFICATES = 10;
/** Most bytes of a chain in DER: OpenSSL and BoringSSL take no longer one from a server. */
const MAX_CHAIN_BYTES = 100 * 1024;

function parse(source: string | Uint8Array): X509Certificate | undefined {
  try {
    return new X509Certificate(source);
  } catch {
    return undefined;
  }
}

/** Gives what is wrong with one certificate as such, `undefined` when its key and dates can be read. */
function checkOne(certificate: X509Certificate | undefined, number: number): Problem | undefined {
  const damaged = problem(
    'certificate-unreadable',
    `Certificate ${number} is damaged: it cannot be read as X.509.`,
  );
  if (certificate === undefined) return damaged;
  try {
    const wrong = checkPublicKey(certificate);
    if (wrong !== undefined) return problem('key-weak', `Certificate ${number} has ${wrong}`);
    const { publicKey, validFromDate, validToDate } = certificate;
    const dated = Number.isFinite(validFromDate.getTime()) && Number.isFinite(validToDate.getTime());
    return dated && publicKey.asymmetricKeyType !== undefined ? undefined : damaged;
  } catch {
    return damaged;
  }
}

/**
 * Parses certificates one by one, so that each bad one is told by its number, and gives the good ones in their order; of too
 * many nothing else is said, and none is given.
 *
 * Security: nothing is computed with a key before its size is known, and nothing is looked at in chains over 100 KiB.
 */
export function parseCertificates(
  sources: readonly (string | Uint8Array)[],
  problems: Problem[],
): readonly X509Certificate[] {
  if (sources.length > MAX_CERTIFICATES) {
    const text = `There are ${sources.length} certificates and at most ${MAX_CERTIFICATES} are accepted: send the leaf and the authorities that signed it, not a whole bundle.`;
    problems.push(problem('too-many-certificates', text));
    return [];
  }
  const parsed = sources.map(parse);
  const bytes = parsed.reduce((sum, one) => sum + (one?.raw.length ?? 0), 0);
  if (bytes > MAX_CHAIN_BYTES) {
    const text = `The certificates have ${bytes} bytes and clients take at most ${MAX_CHAIN_BYTES}: send the leaf and the authorities that signed it.`;
    problems.push(problem('too-large', text));
    return [];
  }
  const certificates: X509Certificate[] = [];
  for (const [index, certificate] of parsed.entries()) {
    const wrong = checkOne(certificate, index + 1);
    if (wrong !== undefined) problems.push(wrong);
    else if (certificate !== undefined) certificates.push(certificate);
  }
  return certificates;
}
