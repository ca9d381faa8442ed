import { domainToASCII } from 'node:url';
import { canonicalHost } from '../lib/canonical-host.ts';
import { canonicalPath } from '../lib/canonical-path.ts';

/** Why a host or path of a route was refused. */
export interface PatternFault {
  readonly fault: string;
  readonly hint: string | undefined;
}

/** Path under which every host has its internal pages. */
const RESERVED = '/.sallyport';

/** Gives why a route's host is refused, or `undefined` for an exact name, `*.` and a name, or `*` in canonical form. */
export function hostFault(written: string): PatternFault | undefined {
  if (written === '*') return undefined;
  const wildcard = written.startsWith('*.');
  const name = wildcard ? written.slice(2) : written;
  const canonical = canonicalHost(name);
  if (canonical === name && !(wildcard && (name.startsWith('[') || /^[\d.]+$/.test(name)))) return undefined;
  const prefix = wildcard ? '*.' : '';
  const fault = `is not a host in canonical form: ${JSON.stringify(written)}`;
  if (canonical !== undefined && canonical !== name) return { fault, hint: `write ${prefix}${canonical}` };
  if (/:\d+$/.test(name)) return { fault, hint: 'a route has no port: one host answers on every port' };
  const ascii = /[^\x20-\x7e]/.test(name) ? domainToASCII(name) : '';
  if (ascii !== '') return { fault, hint: `write ${prefix}${ascii}` };
  return { fault, hint: 'an exact name, *.example.com (one label), or *' };
}

const FAULTS: Readonly<Record<string, string>> = {
  'not-origin-form': 'a path starts with /',
  'forbidden-character': 'spaces, control characters, ?, # and \\ have no place in a path',
  'bad-percent-encoding': '% is followed by two hexadecimal digits',
  'encoded-separator': 'an encoded / or \\ is read differently by different programs',
  'double-encoding': 'encode once',
  'dot-segment': 'write the path that it leads to',
  'empty-segment': 'write one / between segments',
  'path-parameter': '; is read differently by different programs',
  'not-utf8': 'encode as UTF-8',
};

/** Gives why a route's path is refused, or `undefined` when it is a prefix in canonical form. */
export function pathFault(written: string): PatternFault | undefined {
  const fault = `is not a path in canonical form: ${JSON.stringify(written)}`;
  const result = canonicalPath(written);
  if ('fault' in result) return { fault, hint: FAULTS[result.fault] };
  if (result.path !== written) return { fault, hint: `write ${result.path}` };
  if (written !== '/' && written.endsWith('/')) return { fault, hint: `write ${written.slice(0, -1)}` };
  if (written !== RESERVED && !written.startsWith(`${RESERVED}/`)) return undefined;
  return { fault: `${RESERVED} is reserved for the gateway's own pages`, hint: undefined };
}
