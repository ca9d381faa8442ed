import { createHash, type KeyObject, type X509Certificate } from 'node:crypto';
import { firstFew } from '../lib/first-few.ts';
import { Secret } from '../lib/secret.ts';
import { checkChain, type Findings } from './check-chain.ts';
import { checkExtensions, type ExtensionsOf, isForServers } from './check-extensions.ts';
import { type Extensions, readExtensions } from './extensions.ts';
import { canonicalName, covers } from './host-name.ts';
import { keyLabel } from './key-label.ts';
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

const MOST_LISTED = 5;
const SOON_MS = 14 * 24 * 3600_000;

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
      problem(
        'wildcard-wide',
        `Most clients refuse the wildcard ${firstFew(wide, MOST_LISTED)}: name the hosts in full.`,
      ),
    );
  }
  for (const host of hosts) {
    const name = canonicalName(host);
    if (host === '*' || (name !== undefined && covers(names, name))) continue;
    problems.push(
      problem(
        'names-uncovered',
        `The certificate does not cover ${host}, which uses it; it covers ${firstFew(names, MOST_LISTED)}.`,
      ),
    );
  }
}

function checkLeaf(
  leaf: X509Certificate,
  { ca }: Extensions,
  key: KeyObject | undefined,
): readonly Problem[] {
  const problems: Problem[] = [];
  if (leaf.ca || ca) {
    problems.push(
      problem('leaf-is-ca', 'The certificate is an authority: the first one must be of the server.'),
    );
  }
  if (!isForServers(leaf)) {
    problems.push(
      problem('usage', 'The certificate is not made for servers: its extended key usage lacks serverAuth.'),
    );
  }
  if (key !== undefined && !leaf.checkPrivateKey(key)) {
    problems.push(problem('key-mismatch', 'The key does not belong to the certificate.'));
  }
  return problems;
}

const NO_EXTENSIONS: Extensions = {
  names: [],
  unusableNames: 0,
  mustStaple: false,
  critical: [],
  keyUsage: undefined,
  ca: false,
  pathLength: undefined,
  nameConstraints: undefined,
};

function extensionsOf(certificates: readonly X509Certificate[], problems: Problem[]): ExtensionsOf {
  const all = new Map<X509Certificate, Extensions>();
  for (const [index, certificate] of certificates.entries()) {
    try {
      all.set(certificate, readExtensions(certificate));
    } catch {
      const text = `Certificate ${index + 1} is damaged: its extensions cannot be read.`;
      problems.push(problem('certificate-unreadable', text));
    }
  }
  return all;
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
 * strength, signatures and order of the chain, what its authorities may sign, critical extensions, must-staple. A chain may
 * end at any root, or before it: private authorities are welcome. A self-signed leaf is a warning.
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
  const all = extensionsOf(reading.certificates, found.problems);
  const extensions = all.get(leaf) ?? NO_EXTENSIONS;
  found.problems.push(...checkLeaf(leaf, extensions, reading.key));
  const label = keyLabel(leaf.publicKey, 'The certificate', found.problems);
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
  const links = checkChain(reading, options.now, found);
  found.problems.push(...checkExtensions(links, all));
  for (const [index, certificate] of reading.certificates.entries()) {
    if (certificate !== leaf) keyLabel(certificate.publicKey, `Certificate ${index + 1}`, found.problems);
  }
  const { key } = reading;
  return { pair: key === undefined ? undefined : pairOf(reading, key, extensions.names, label), ...found };
}
