import type { X509Certificate } from 'node:crypto';
import { isSelfIssued } from './chain-links.ts';
import type { ClientEntry } from './client-entry.ts';
import { IssuerWeb } from './issuer-web.ts';

/**
 * Gives the names of the entries that vouch for a certificate which OpenSSL has just verified against the authorities of
 * all of them together.
 *
 * OpenSSL tells that a chain is good, not which one it took. So an entry vouches only when every chain that could have
 * been taken goes through an authority of that entry; then all that OpenSSL looked at (usages, path lengths, name
 * constraints, revocation, strength) was looked at for this entry, too, whichever chain it was.
 *
 * @param sent - the client's own certificate first, then the others in any order, as they were sent
 * @param entries - all entries that were asked for, at least one
 *
 * Security: in doubt nobody vouches: where chains lead to authorities of different entries, go through a certificate that
 * is no authority, or are too many to be looked at.
 */
export function vouchingEntries(
  sent: readonly X509Certificate[],
  entries: readonly ClientEntry[],
  nowMs: number,
): readonly string[] {
  const [leaf, ...others] = sent;
  const [first, ...more] = entries;
  if (leaf === undefined || first === undefined) return [];
  // Nobody else can have vouched.
  if (more.length === 0) return [first.config.name];
  const trusted = entries.flatMap(({ authorities }) => authorities);
  const roots = new Set(trusted.filter(isSelfIssued).map(({ fingerprint256 }) => fingerprint256));
  try {
    const web = new IssuerWeb([leaf, ...others], trusted, nowMs);
    return entries
      .filter(({ authorities }) => allLeadTo(authorities, web, roots))
      .map(({ config }) => config.name);
  } catch (error) {
    if (error instanceof RangeError) return [];
    throw error;
  }
}

/** Tells whether no chain gets past these authorities to a root, and at least one gets to them. */
function allLeadTo(
  authorities: readonly X509Certificate[],
  web: IssuerWeb,
  roots: ReadonlySet<string>,
): boolean {
  const reached = new Set([web.leaf]);
  let found = false;
  // A set goes on to what is added while it is walked, and knows no certificate twice.
  for (const certificate of reached) {
    if (web.isAmong(certificate, authorities)) {
      found = true;
    } else if (roots.has(certificate.fingerprint256)) {
      return false;
    } else {
      for (const issuer of web.issuersOf(certificate)) {
        if (!issuer.ca) return false;
        reached.add(issuer);
      }
    }
  }
  return found;
}
