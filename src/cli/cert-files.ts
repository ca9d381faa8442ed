import { mkdir } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { buildRequest } from '../certificates/csr.ts';
import { issueDevLeaf, loadOrMakeDevCa } from '../certificates/dev-ca.ts';
import { newKey } from '../certificates/new-key.ts';
import { replaceFile, writeOnce } from '../certificates/private-file.ts';
import { toPem } from '../certificates/x509-builder.ts';
import { systemClock } from '../lib/clock.ts';
import { certificateNames } from './cert-names.ts';
import { Complaint } from './complaint.ts';
import type { Shell } from './shell.ts';
import { printJson } from './table.ts';

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

/** Makes a pair that the development CA signs, `NAME.crt` and `NAME.key`. */
export async function makeDev(written: readonly string[], flags: DevFlags, shell: Shell): Promise<void> {
  const names = certificateNames(written);
  const ca = await loadOrMakeDevCa(resolve(shell.folder, flags.data), systemClock);
  const pair = await issueDevLeaf(ca, { names, keyType: keyTypeOf(flags) });
  const stem = await stemOf(names, flags, shell);
  await replaceFile(`${stem}.key`, pair.key, 0o600);
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
  if ((await writeOnce(`${stem}.key`, pem, 0o600)) !== pem) {
    throw new Complaint('There is a key of this name already', {
      where: `${stem}.key`,
      remedy: 'move it away, or name another folder with --out',
    });
  }
  await replaceFile(`${stem}.csr`, toPem('CERTIFICATE REQUEST', buildRequest(key, names)), 0o644);
  report({ request: `${stem}.csr`, key: `${stem}.key` }, flags, shell);
}

function keyTypeOf({ rsa }: OutFlags): 'ecdsa' | 'rsa' {
  return rsa === true ? 'rsa' : 'ecdsa';
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
