import { readFileSync } from 'node:fs';
import { mkdir } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import type { Command } from 'commander';
import { issueDevLeaf, loadOrMakeDevCa } from '../certificates/dev-ca.ts';
import { replaceFile } from '../certificates/private-file.ts';
import { systemClock } from '../lib/clock.ts';
import { makeAdminClient } from './admin-client.ts';
import { type AdminFlags, DEFAULT_DATA, findAdmin, withAdminOptions } from './admin-options.ts';
import { Complaint } from './complaint.ts';
import type { Shell } from './shell.ts';
import { printList } from './table.ts';

interface RotateFlags extends AdminFlags {
  readonly certificate?: string;
  readonly key?: string;
  readonly pkcs12?: string;
  readonly passphraseStdin?: boolean;
}

interface DevFlags {
  readonly data: string;
  readonly out: string;
  readonly rsa?: boolean;
}

const COLUMNS = ['name', 'names', 'notAfter', 'keyType', 'source', 'fingerprint256'];

/** Adds `cert list | dev | rotate | rollback`. */
export function addCertCommand(program: Command, shell: Shell): void {
  const cert = program.command('cert').description('certificates');

  withAdminOptions(cert.command('list'))
    .description('list what the gateway serves')
    .option('--json', 'JSON for scripts')
    .action(async (flags: AdminFlags) => {
      const list = await makeAdminClient(findAdmin(flags, shell)).call('GET', '/v1/certificates');
      printList(list, { json: flags.json, columns: COLUMNS }, shell);
    });

  cert
    .command('dev <names...>')
    .description('make a certificate that the development CA signs')
    .option('--data <folder>', 'folder of the development CA', DEFAULT_DATA)
    .option('--out <folder>', 'where the pair is written', 'certs')
    .option('--rsa', 'an RSA key instead of ECDSA')
    .action((names: string[], flags: DevFlags) => makeDev(names, flags, shell));

  withAdminOptions(cert.command('rotate <name>'))
    .description('serve another certificate from the next handshake on')
    .option('--certificate <file>', 'PEM chain, leaf first')
    .option('--key <file>', 'PEM key')
    .option('--pkcs12 <file>', 'PKCS#12 bundle, instead of certificate and key')
    .option('--passphrase-stdin', 'read the passphrase of the key from the standard input')
    .action(async (name: string, flags: RotateFlags) => {
      const upload = await readUpload(flags, shell);
      const client = makeAdminClient(findAdmin(flags, shell));
      report(await client.call('PUT', `/v1/certificates/${encodeURIComponent(name)}`, upload), shell);
    });

  withAdminOptions(cert.command('rollback <name>'))
    .description('return to the previous certificate')
    .action(async (name: string, flags: AdminFlags) => {
      const client = makeAdminClient(findAdmin(flags, shell));
      report(await client.call('POST', `/v1/certificates/${encodeURIComponent(name)}/rollback`), shell);
    });
}

async function makeDev(names: readonly string[], flags: DevFlags, shell: Shell): Promise<void> {
  const ca = await loadOrMakeDevCa(resolve(shell.folder, flags.data), systemClock);
  const pair = await issueDevLeaf(ca, { names, keyType: flags.rsa === true ? 'rsa' : 'ecdsa' });
  const folder = resolve(shell.folder, flags.out);
  await mkdir(folder, { recursive: true });
  const stem = join(folder, (names[0] ?? 'dev').replaceAll(/[^A-Za-z0-9.-]/g, '_'));
  await replaceFile(`${stem}.key`, pair.key, 0o600);
  await replaceFile(`${stem}.crt`, pair.certificate, 0o644);
  shell.out(`${stem}.crt\n${stem}.key\n`);
}

async function readUpload(flags: RotateFlags, shell: Shell): Promise<object> {
  const { certificate, key, pkcs12 } = flags;
  const line = flags.passphraseStdin === true ? (await shell.readInput()).split(/\r?\n/, 1)[0] : undefined;
  const passphrase = line === undefined ? {} : { passphrase: line };
  if (pkcs12 !== undefined && certificate === undefined && key === undefined) {
    return { pkcs12: read(pkcs12, shell).toString('base64'), ...passphrase };
  }
  if (pkcs12 === undefined && certificate !== undefined && key !== undefined) {
    return {
      certificate: read(certificate, shell).toString(),
      key: read(key, shell).toString(),
      ...passphrase,
    };
  }
  throw new Complaint('Name --certificate and --key, or --pkcs12');
}

function read(file: string, shell: Shell): Buffer {
  try {
    return readFileSync(resolve(shell.folder, file));
  } catch (cause) {
    throw new Complaint('The file cannot be read', { where: file, cause });
  }
}

function report(answer: unknown, shell: Shell): void {
  const { name, fingerprint256, previous } = Object(answer);
  shell.out(`${name} now serves ${fingerprint256}\n`);
  if (previous !== undefined) shell.out(`before: ${previous} (undo with: sallyport cert rollback ${name})\n`);
}
