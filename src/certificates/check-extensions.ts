import type { X509Certificate } from 'node:crypto';
import { firstFew } from '../lib/first-few.ts';
import { isSelfIssued, nameOf } from './chain-links.ts';
import type { Extensions } from './extensions.ts';
import { namesOutside } from './name-constraints.ts';
import { type Problem, problem } from './problem.ts';

/** The extensions of those certificates whose extensions could be read. */
export type ExtensionsOf = ReadonlyMap<X509Certificate, Extensions>;

const SERVER_AUTH = '1.3.6.1.5.5.7.3.1';
const ANY_USAGE = '2.5.29.37.0';

/** What OpenSSL processes when it is critical; browsers know fewer, and none besides. */
const PROCESSED = new Set([
  '2.5.29.15', // key usage
  '2.5.29.17', // subject alternative name
  '2.5.29.19', // basic constraints
  '2.5.29.30', // name constraints
  '2.5.29.31', // CRL distribution points
  '2.5.29.32', // certificate policies
  '2.5.29.33', // policy mappings
  '2.5.29.36', // policy constraints
  '2.5.29.37', // extended key usage
  '2.5.29.54', // inhibit any policy
]);

const MOST_LISTED = 5;

/** Whether a certificate may be used for servers, or sign for them; Node's `keyUsage` is the extended one. */
export function isForServers({ keyUsage }: X509Certificate): boolean {
  return keyUsage === undefined || keyUsage.some((usage) => usage === SERVER_AUTH || usage === ANY_USAGE);
}

function checkCritical(certificate: X509Certificate, { critical }: Extensions): readonly Problem[] {
  const unknown = critical.filter((id) => !PROCESSED.has(id));
  if (unknown.length === 0) return [];
  const text = `${nameOf(certificate)} has critical extensions that clients do not know, and so refuse: ${firstFew(unknown, MOST_LISTED)}. Order it without them.`;
  return [problem('critical-unknown', text)];
}

function checkKeyUsage({ ca, keyUsage }: Extensions): readonly Problem[] {
  // An authority is refused as such.
  if (ca || keyUsage === undefined || keyUsage.digitalSignature) return [];
  const text =
    'The certificate may not be used for handshakes: its key usage lacks digitalSignature. Order it for a TLS server.';
  return [problem('key-usage', text)];
}

function checkRights(authority: X509Certificate, { ca, keyUsage }: Extensions): readonly Problem[] {
  const name = nameOf(authority);
  if (ca && keyUsage?.keyCertSign === false) {
    const text = `${name} signed another certificate, which it may not: its key usage lacks keyCertSign.`;
    return [problem('chain-key-usage', text)];
  }
  if (!authority.ca)
    return [problem('chain-not-ca', `${name} signed another certificate but is no authority.`)];
  // The usages of a root are nobody's business: it is trusted for what the client trusts it.
  if (isSelfIssued(authority) || isForServers(authority)) return [];
  return [problem('usage', `${name} may not sign for servers: its extended key usage lacks serverAuth.`)];
}

function checkPathLength(
  authority: X509Certificate,
  { pathLength }: Extensions,
  below: number,
): readonly Problem[] {
  if (pathLength === undefined || below <= pathLength) return [];
  const text = `${nameOf(authority)} allows ${pathLength} authorities below it, and there ${below === 1 ? 'is' : 'are'} ${below}: have the certificate signed higher up.`;
  return [problem('chain-path-length', text)];
}

function checkNames(
  authority: X509Certificate,
  { nameConstraints }: Extensions,
  names: readonly string[],
): readonly Problem[] {
  if (nameConstraints === undefined) return [];
  const outside = namesOutside(nameConstraints, names);
  if (outside?.length === 0) return [];
  const text =
    outside === undefined
      ? `${nameOf(authority)} has constraints on names, too many to compare them with so many names.`
      : `${nameOf(authority)} may not sign for ${firstFew(outside, MOST_LISTED)}: it is constrained to other names.`;
  return [problem('chain-names', text)];
}

/**
 * Gives what clients refuse although every signature is right: what extensions demand or forbid.
 *
 * @param links - the leaf, who signed it, and so on
 * @see RFC 5280 §4.2 for critical extensions, §4.2.1.3 for key usage, §4.2.1.9 for the length of the path, §4.2.1.10 for names
 */
export function checkExtensions(links: readonly X509Certificate[], all: ExtensionsOf): readonly Problem[] {
  const problems = [...all].flatMap(([certificate, its]) => checkCritical(certificate, its));
  const [leaf, ...authorities] = links;
  const own = leaf === undefined ? undefined : all.get(leaf);
  if (own !== undefined) problems.push(...checkKeyUsage(own));
  for (const [below, authority] of authorities.entries()) {
    const its = all.get(authority);
    if (its === undefined) continue;
    problems.push(
      ...checkRights(authority, its),
      ...checkPathLength(authority, its, below),
      ...checkNames(authority, its, own?.names ?? []),
    );
  }
  return problems;
}
