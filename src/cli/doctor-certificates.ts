import { X509Certificate } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { isSelfIssued } from '../certificates/chain-links.ts';
import { pemBlocks } from '../certificates/pem.ts';
import { subjectText } from '../certificates/subject-text.ts';
import type { Config } from '../config/config.ts';
import type { Clock } from '../lib/clock.ts';
import { dayOf } from '../lib/day-of.ts';
import { type Finding, finding } from './diagnosis.ts';
import type { ToldCertificate } from './doctor-served.ts';
import { expiryFinding } from './expiry-finding.ts';

interface FilePlace {
  readonly name: string;
  readonly file: string;
}

/**
 * Judges each certificate once: the one that is served where a gateway told, else the one in the file.
 *
 * @param told - what a running gateway tells; empty when there is none
 */
export function examineCertificates(
  config: Config,
  told: readonly ToldCertificate[],
  clock: Clock,
): readonly Finding[] {
  const files = config.certificates.flatMap(({ name, source }) =>
    source.kind === 'files' ? [{ name, file: source.certificate }] : [],
  );
  const byName = new Map(told.map((one) => [one.name, one]));
  const others = told.filter(({ name }) => !files.some((place) => place.name === name));
  return [
    ...files.flatMap((place) => examinePlace(place, byName.get(place.name), clock)),
    ...others.flatMap((one) => [...servedFindings(one, clock), ...problemFindings(one)]),
  ];
}

function examinePlace(place: FilePlace, told: ToldCertificate | undefined, clock: Clock): readonly Finding[] {
  const { name, file } = place;
  if (told?.source === 'uploaded' && told.served) {
    const note = `an upload is served, not ${file}`;
    return [...servedFindings(told, clock, note), ...problemFindings(told)];
  }
  const chain = chainIn(file);
  const [leaf] = chain;
  if (leaf === undefined)
    return [finding('fail', 'certificate', `${name}: ${file} cannot be read as a certificate`)];
  if (told === undefined || told.fingerprint256 === leaf.fingerprint256)
    return [...chainFindings(name, chain, clock), ...(told === undefined ? [] : problemFindings(told))];
  const other = `${name}: the gateway does not serve what is in ${file} now; its log says why`;
  return [...servedFindings(told, clock), finding('warn', 'certificate', other), ...problemFindings(told)];
}

function servedFindings({ name, served, endsAtMs }: ToldCertificate, clock: Clock, note?: string): Finding[] {
  return served && !Number.isNaN(endsAtMs) ? [expiryFinding(name, endsAtMs, clock, note)] : [];
}

function problemFindings({ name, served, problems }: ToldCertificate): Finding[] {
  const what = served ? `${name} has an upload that is not served` : `${name} is stored and not served`;
  return problems.map((text) => finding('warn', 'certificate', `${what}: ${text}`));
}

/** Tells when the leaf ends, and of each authority of the chain that ends before it. */
function chainFindings(name: string, chain: readonly X509Certificate[], clock: Clock): Finding[] {
  const [leaf, ...authorities] = chain;
  if (leaf === undefined) return [];
  const leafEndsAtMs = leaf.validToDate.getTime();
  // A root is trusted by itself: nobody looks at the one that is sent.
  const early = authorities.filter(
    (authority) => !isSelfIssued(authority) && authority.validToDate.getTime() < leafEndsAtMs,
  );
  return [
    expiryFinding(name, leafEndsAtMs, clock),
    ...early.map((authority) => {
      const endsAtMs = authority.validToDate.getTime();
      const [day, what] = [dayOf(endsAtMs), whoOf(authority)];
      if (endsAtMs < clock())
        return finding('fail', 'certificate', `${name}: ${what} of its chain ended on ${day}`);
      const text = `${name}: ${what} of its chain ends on ${day}, before the certificate does`;
      return finding('warn', 'certificate', text);
    }),
  ];
}

function whoOf(authority: X509Certificate): string {
  const subject = subjectText(authority.subject);
  return subject === '' ? 'a nameless authority' : `"${subject}"`;
}

/** Gives the certificates of a file, leaf first; none when it cannot be read. */
function chainIn(file: string): readonly X509Certificate[] {
  try {
    const bytes = readFileSync(file);
    const [, ...authorities] = pemBlocks(bytes.toString()).filter(({ label }) =>
      label.endsWith('CERTIFICATE'),
    );
    return [new X509Certificate(bytes), ...authorities.map(({ text }) => new X509Certificate(text))];
  } catch {
    return [];
  }
}
