import { X509Certificate } from 'node:crypto';
import { mkdir } from 'node:fs/promises';
import { isIP } from 'node:net';
import { join, resolve } from 'node:path';
import { signed } from '../certificates/chain-links.ts';
import { buildRequest } from '../certificates/csr.ts';
import { type DevCa, issueDevLeaf, loadOrMakeDevCa } from '../certificates/dev-ca.ts';
import { newKey } from '../certificates/new-key.ts';
import { readIfThere, replaceFile, writeOnce } from '../certificates/private-file.ts';
import { readOpenPair } from '../certificates/reading.ts';
import { toPem } from '../certificates/x509-builder.ts';
import { systemClock } from '../lib/clock.ts';
import { certificateNames } from './cert-names.ts';
import { Complaint } from './complaint.ts';
import type { Shell } from './shell.ts';
import { printJson } from './table.ts';

/** Most characters of a common name (RFC 5280 appendix A.1). */
const MOST_COMMON_NAME = 64;

/** Where files are written, and how. */
export interface OutFlags {
  readonly out: string;
  readonly rsa?: boolean;
  readonly json?: boolean;
}

/** Options of `cert dev`. */
export interface DevFlags extends OutFlags {
  readonly data: string;
}

/**
 * Makes a pair that the development CA signs, `NAME.crt` and `NAME.key`.
 *
 * One that it signed before gives way. Any other key stays: the request of a certificate may be out.
 */
export async function makeDev(written: readonly string[], flags: DevFlags, shell: Shell): Promise<void> {
  const names = certificateNames(written);
  const ca = await loadOrMakeDevCa(resolve(shell.folder, flags.data), systemClock);
  const pair = await issueDevLeaf(ca, { names, keyType: keyTypeOf(flags) });
  const stem = await stemOf(names, flags, shell);
  if (await isDevPair(stem, ca)) await replaceFile(`${stem}.key`, pair.key, 0o600);
  else await writeKey(`${stem}.key`, pair.key);
  await replaceFile(`${stem}.crt`, pair.certificate, 0o644);
  report({ certificate: `${stem}.crt`, key: `${stem}.key` }, flags, shell);
}

/**
 * Makes a certificate request for an authority, `NAME.csr`, and its key, `NAME.key`.
 *
 * A key that is there already is never written over: the request of a certificate may be out.
 * Security: the key stays on this machine, readable by its owner only.
 */
export async function makeRequest(written: readonly string[], flags: OutFlags, shell: Shell): Promise<void> {
  const names = certificateNames(written);
  const { key, pem } = await newKey(keyTypeOf(flags));
  const stem = await stemOf(names, flags, shell);
  await writeKey(`${stem}.key`, pem);
  const request = buildRequest(key, names, subjectOf(names));
  await replaceFile(`${stem}.csr`, toPem('CERTIFICATE REQUEST', request), 0o644);
  report({ request: `${stem}.csr`, key: `${stem}.key` }, flags, shell);
}

function keyTypeOf({ rsa }: OutFlags): 'ecdsa' | 'rsa' {
  return rsa === true ? 'rsa' : 'ecdsa';
}

/** Some authorities want a common name: the first host name that has room there, empty when none has. */
function subjectOf(names: readonly string[]): string {
  return names.find((name) => isIP(name) === 0 && name.length <= MOST_COMMON_NAME) ?? '';
}

/** Whether a key is there that the certificate beside it belongs to, and the development CA signed that one. */
async function isDevPair(stem: string, ca: DevCa): Promise<boolean> {
  const [certificate, key] = await Promise.all([readIfThere(`${stem}.crt`), readIfThere(`${stem}.key`)]);
  if (certificate === undefined || key === undefined) return false;
  const pair = readOpenPair({ certificate, key });
  const [leaf] = pair.certificates;
  if (leaf === undefined || pair.key === undefined || !leaf.checkPrivateKey(pair.key)) return false;
  // The development CA signed itself, and is not to be replaced.
  return !leaf.ca && signed(leaf, new X509Certificate(ca.certificate));
}

/** @throws Complaint when a key is there */
async function writeKey(file: string, key: string): Promise<void> {
  if ((await writeOnce(file, key, 0o600)) === key) return;
  throw new Complaint('There is a key of this name already', {
    where: file,
    remedy: 'move it away, or name another folder with --out',
  });
}

async function stemOf(names: readonly string[], { out }: OutFlags, shell: Shell): Promise<string> {
  const folder = resolve(shell.folder, out);
  await mkdir(folder, { recursive: true });
  return join(folder, (names[0] ?? 'dev').replaceAll(/[^A-Za-z0-9.-]/g, '_'));
}

function report(files: Readonly<Record<string, string>>, { json }: OutFlags, shell: Shell): void {
  if (json === true) printJson(files, shell);
  else shell.out(`${Object.values(files).join('\n')}\n`);
}
