import { isIP } from 'node:net';
import { domainToASCII } from 'node:url';
import { canonicalName } from '../certificates/host-name.ts';
import { Complaint } from './complaint.ts';

const REMEDY =
  'a name is www.example.com, *.example.com (one label) or an IP address; other scripts are written in punycode (xn--...)';

/** Gives the names of a certificate to be made, canonical and without doubles. @throws Complaint with a line for each name that is none */
export function certificateNames(written: readonly string[]): readonly string[] {
  const problems = written.filter((name) => nameOf(name) === undefined).map(faultLine);
  if (problems.length > 0)
    throw new Complaint('No certificate can have such a name', { problems, remedy: REMEDY });
  return [...new Set(written.flatMap((name) => nameOf(name) ?? []))];
}

function nameOf(written: string): string | undefined {
  const name = canonicalName(written);
  if (name === undefined || isIP(name) !== 0) return name;
  // What looks like an address to one program and like a name to another is neither.
  return /(?:^|\.)\d+$|[[\]]/.test(name) ? undefined : name;
}

function faultLine(written: string): string {
  const quoted = JSON.stringify(written);
  const wildcard = written.startsWith('*.') ? '*.' : '';
  const ascii = /[^\x20-\x7e]/.test(written) ? domainToASCII(written.slice(wildcard.length)) : '';
  const better = ascii === '' ? undefined : nameOf(wildcard + ascii);
  return better === undefined ? `${quoted} is no host name` : `${quoted} is not in ASCII: write ${better}`;
}
