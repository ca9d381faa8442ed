import { createHash, type KeyObject, type X509Certificate } from 'node:crypto';
import { Secret } from '../lib/secret.ts';
import { checkChain, type Findings } from './check-chain.ts';
import { type Extensions, readExtensions } from './extensions.ts';
import { canonicalName, covers } from './host-name.ts';
import { type Problem, problem } from './problem.ts';
import { leafOf, type Reading } from './reading.ts';

/** A certificate with its chain and key, checked: what is needed to serve and list it, and no native object. */
export interface CertificatePair {
  /** Digest of the chain as served; equal for equal pairs. */
  readonly id: string;
  /** Host names, wildcards and addresses, canonical. */
  readonly names: readonly string[];
  readonly notBeforeMs: number;
  readonly notAfterMs: number;
  /** SHA-256 of the leaf, upper-case hex with colons. */
  readonly fingerprint256: string;
  readonly keyType: 'ecdsa' | 'rsa';
  /** For people: `ECDSA P-256`, `RSA 2048`. */
  readonly keyLabel: string;
  /** Leaf first, PEM. */
  readonly certificate: string;
  /** PKCS#8, PEM, not encrypted. */
  readonly key: Secret;
}

/** What a pair is checked against. */
export interface CheckOptions {
  /** Hosts that use the certificate, as routes write them; `*` is passed over. */
  readonly hosts: readonly string[];
  /** Milliseconds since the epoch. */
  readonly now: number;
}

/** What a check found. */
export interface Verdict {
  /** `undefined` when the pair cannot be served at all. Usable only if `problems` is empty or the caller tolerates them. */
  readonly pair: CertificatePair | undefined;
  readonly problems: readonly Problem[];
  /** What an operator should know, but what is allowed. */
  readonly warnings: readonly Problem[];
}

const SERVER_AUTH = '1.3.6.1.5.5.7.3.1';
const ANY_USAGE = '2.5.29.37.0';
const CURVES: Readonly<Record<string, string>> = {
  prime256v1: 'P-256',
  secp384r1: 'P-384',
  secp521r1: 'P-521',
};
const SOON_MS = 14 * 24 * 3600_000;

/** Gives the words for a key, with a problem when no browser would take it or it is too weak. */
function keyLabel(key: KeyObject, who: string, problems: Problem[]): string {
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
    if ((details.publicExponent ?? 0n) < 65537n) {
      problems.push(
        problem(
          'key-weak',
          `${who} has an RSA key with the exponent ${details.publicExponent}; 65537 is needed.`,
        ),
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

function checkDates(leaf: X509Certificate, now: number, found: Findings): void {
  const day = (date: Date): string => date.toISOString();
  if (leaf.validToDate.getTime() < now) {
    found.problems.push(problem('expired', `The certificate expired at ${day(leaf.validToDate)}.`));
  } else if (leaf.validToDate.getTime() - now < SOON_MS) {
    found.warnings.push(problem('expires-soon', `The certificate expires at ${day(leaf.validToDate)}.`));
  }
  if (leaf.validFromDate.getTime() > now) {
    found.problems.push(
      problem(
        'not-yet-valid',
        `The certificate is valid only from ${day(leaf.validFromDate)}; is the clock right?`,
      ),
    );
  }
}

function checkNames(extensions: Extensions, hosts: readonly string[], found: Findings): void {
  const { names } = extensions;
  const { problems } = found;
  if (extensions.unusableNames > 0) {
    const text =
      'The certificate has names that no host can match; a wildcard must be one whole left-most label, as in *.example.com.';
    problems.push(problem('names-unusable', text));
  }
  if (names.length === 0) {
    problems.push(
      problem(
        'no-names',
        'The certificate has no subject alternative name; the common name is not looked at.',
      ),
    );
    return;
  }
  const wide = names.filter((name) => name.startsWith('*.') && name.split('.').length === 2);
  if (wide.length > 0) {
    found.warnings.push(
      problem('wildcard-wide', `Most clients refuse the wildcard ${listed(wide)}: name the hosts in full.`),
    );
  }
  for (const host of hosts) {
    const name = canonicalName(host);
    if (host === '*' || (name !== undefined && covers(names, name))) continue;
    problems.push(
      problem(
        'names-uncovered',
        `The certificate does not cover ${host}, which uses it; it covers ${listed(names)}.`,
      ),
    );
  }
}

function listed(names: readonly string[]): string {
  return names.length <= 5
    ? names.join(', ')
    : `${names.slice(0, 5).join(', ')} and ${names.length - 5} more`;
}

function checkLeaf(leaf: X509Certificate, key: KeyObject | undefined, problems: Problem[]): void {
  if (leaf.ca) {
    problems.push(
      problem('leaf-is-ca', 'The certificate is an authority: the first one must be of the server.'),
    );
  }
  if (
    leaf.keyUsage !== undefined &&
    !leaf.keyUsage.some((usage) => usage === SERVER_AUTH || usage === ANY_USAGE)
  ) {
    problems.push(
      problem('usage', 'The certificate is not made for servers: its extended key usage lacks serverAuth.'),
    );
  }
  if (key !== undefined && !leaf.checkPrivateKey(key)) {
    problems.push(problem('key-mismatch', 'The key does not belong to the certificate.'));
  }
}

function extensionsOf(leaf: X509Certificate, problems: Problem[]): Extensions {
  try {
    return readExtensions(leaf);
  } catch {
    problems.push(
      problem('certificate-unreadable', 'Certificate 1 is damaged: its extensions cannot be read.'),
    );
    return { names: [], unusableNames: 0, mustStaple: false };
  }
}

function pairOf(
  reading: Reading,
  key: KeyObject,
  names: readonly string[],
  label: string,
): CertificatePair | undefined {
  const [leaf] = reading.certificates;
  if (leaf === undefined) return undefined;
  const certificate = reading.certificates.map((one) => one.toString()).join('');
  return {
    id: createHash('sha256').update(certificate).digest('base64url'),
    names,
    notBeforeMs: leaf.validFromDate.getTime(),
    notAfterMs: leaf.validToDate.getTime(),
    fingerprint256: leaf.fingerprint256,
    keyType: key.asymmetricKeyType === 'rsa' ? 'rsa' : 'ecdsa',
    keyLabel: label,
    certificate,
    key: new Secret(key.export({ type: 'pkcs8', format: 'pem' }).toString()),
  };
}

/**
 * Checks what was read, and gives all problems at once, those of the reading first.
 *
 * Looks at: key and certificate belong together, leaf is no CA and made for servers, names cover the hosts, dates, key type and
 * strength, signatures and order of the chain, must-staple. A chain may end at any root, or before it: private
 * authorities are welcome. A self-signed leaf is a warning.
 *
 * @see RFC 5280 §6.1 for the chain, RFC 9525 for names
 */
export function checkPair(reading: Reading, options: CheckOptions): Verdict {
  const found: Findings = { problems: [...reading.problems], warnings: [] };
  const leaf = leafOf(reading);
  if (leaf === undefined) {
    if (reading.key !== undefined) keyLabel(reading.key, 'The pair', found.problems);
    return { pair: undefined, ...found };
  }
  checkLeaf(leaf, reading.key, found.problems);
  const label = keyLabel(leaf.publicKey, 'The certificate', found.problems);
  const extensions = extensionsOf(leaf, found.problems);
  if (extensions.mustStaple) {
    found.problems.push(
      problem(
        'must-staple',
        'The certificate demands OCSP stapling, which is not offered: order it without must-staple.',
      ),
    );
  }
  checkNames(extensions, options.hosts, found);
  checkDates(leaf, options.now, found);
  checkChain(reading, options.now, found);
  for (const [index, certificate] of reading.certificates.entries()) {
    if (certificate !== leaf) keyLabel(certificate.publicKey, `Certificate ${index + 1}`, found.problems);
  }
  const { key } = reading;
  return { pair: key === undefined ? undefined : pairOf(reading, key, extensions.names, label), ...found };
}
