import type { X509Certificate } from 'node:crypto';
import { chainLinks, isSelfIssued, nameOf, signed } from './chain-links.ts';
import { type Problem, problem } from './problem.ts';
import { leafOf, type Reading } from './reading.ts';
import { quotedSubject } from './subject-text.ts';

/** What checks of one pair have found so far; each check adds to it. */
export interface Findings {
  readonly problems: Problem[];
  readonly warnings: Problem[];
}

const WEAK = /sha-?1|md[245]/i;

function checkAuthority(issuer: X509Certificate, child: X509Certificate, now: number): readonly Problem[] {
  const problems: Problem[] = [];
  const name = nameOf(issuer);
  if (!signed(child, issuer)) {
    const text = `The signature of ${nameOf(child)} was not made with the key of ${name}: the chain has a wrong certificate of this name.`;
    problems.push(problem('signature-wrong', text));
  }
  if (issuer.validToDate.getTime() < now) {
    problems.push(
      problem('expired', `The authority ${name} expired at ${issuer.validToDate.toISOString()}.`),
    );
  }
  if (issuer.validFromDate.getTime() > now) {
    problems.push(
      problem(
        'not-yet-valid',
        `The authority ${name} is valid only from ${issuer.validFromDate.toISOString()}.`,
      ),
    );
  }
  return problems;
}

function checkSignatureHash(certificate: X509Certificate): Problem | undefined {
  const algorithm = certificate.signatureAlgorithm ?? '';
  if (!WEAK.test(algorithm)) return undefined;
  return problem(
    'signature-weak',
    `${nameOf(certificate)} is signed with ${algorithm}, which browsers refuse: order it with SHA-256.`,
  );
}

/** Where an authority says its certificate can be fetched: the sign that the leaf was not signed by a root. */
function issuerUrl(certificate: X509Certificate): string | undefined {
  return /CA Issuers - URI:(https?:\/\/[\x21-\x7e]{1,200})/.exec(certificate.infoAccess ?? '')?.[1];
}

function withoutDoubles(
  certificates: readonly X509Certificate[],
  problems: Problem[],
): readonly X509Certificate[] {
  const seen = new Map<string, X509Certificate>();
  for (const [index, certificate] of certificates.entries()) {
    if (!seen.has(certificate.fingerprint256)) seen.set(certificate.fingerprint256, certificate);
    else
      problems.push(
        problem(
          'chain-double',
          `Certificate ${index + 1}, ${nameOf(certificate)}, is there twice: remove one.`,
        ),
      );
  }
  return [...seen.values()];
}

function checkOrder(
  certificates: readonly X509Certificate[],
  links: readonly X509Certificate[],
): readonly Problem[] {
  const strangers = certificates.filter((certificate) => !links.includes(certificate));
  const problems: Problem[] = [];
  const last = links.at(-1);
  if (last !== undefined && !isSelfIssued(last)) {
    const url = issuerUrl(last);
    const missing = quotedSubject(last.issuer);
    if (strangers.some((stranger) => stranger.ca)) {
      problems.push(
        problem(
          'chain-missing',
          `The certificate of ${missing}, which signed ${nameOf(last)}, is missing: add it after that one.`,
        ),
      );
    } else if (links.length === 1 && url !== undefined) {
      problems.push(
        problem(
          'chain-missing',
          `The certificate of ${missing}, which signed the first one, is missing: append it; its authority offers it at ${url}.`,
        ),
      );
    }
  }
  for (const stranger of strangers) {
    problems.push(
      problem('chain-stranger', `${nameOf(stranger)} did not sign any certificate of the chain: remove it.`),
    );
  }
  const known = certificates.filter((certificate) => links.includes(certificate));
  if (known.some((certificate, index) => certificate !== links[index])) {
    const order = links.map(nameOf).join(', then ');
    problems.push(problem('chain-order', `The certificates are in the wrong order: put ${order}.`));
  }
  return problems;
}

/** Gives the chain, leaf first, and adds what is wrong with it: order, gaps, strangers, signatures, dates and hashes (RFC 5280 §6.1, RFC 8446 §4.4.2). */
export function checkChain(reading: Reading, now: number, found: Findings): readonly X509Certificate[] {
  const certificates = withoutDoubles(reading.certificates, found.problems);
  const leaf = leafOf(reading);
  if (leaf === undefined) return [];
  const links = chainLinks(leaf, certificates);
  found.problems.push(...checkOrder(certificates, links));
  for (const [index, link] of links.entries()) {
    const issuer = links[index + 1];
    if (issuer !== undefined) found.problems.push(...checkAuthority(issuer, link, now));
    // Nobody checks the signature of a root: it is trusted by itself.
    const weak = index > 0 && isSelfIssued(link) ? undefined : checkSignatureHash(link);
    if (weak !== undefined) found.problems.push(weak);
  }
  if (!isSelfIssued(leaf)) return links;
  if (!signed(leaf, leaf))
    found.problems.push(
      problem('signature-wrong', 'The certificate is self-signed, but not with its own key.'),
    );
  else
    found.warnings.push(
      problem('self-signed', 'The certificate is self-signed: clients trust it only if they know it.'),
    );
  return links;
}
