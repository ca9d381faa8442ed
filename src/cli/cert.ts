import { readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import type { Command } from 'commander';
import { makeAdminClient } from './admin-client.ts';
import { type AdminFlags, DEFAULT_DATA, findAdmin, withAdminOptions } from './admin-options.ts';
import { type DevFlags, makeDev, makeRequest, type OutFlags } from './cert-files.ts';
import { printCertificate, printCertificates, printRotation } from './cert-view.ts';
import { Complaint } from './complaint.ts';
import type { Shell } from './shell.ts';
import { rowsOf } from './table.ts';

interface RotateFlags extends AdminFlags {
  readonly certificate?: string;
  readonly key?: string;
  readonly pkcs12?: string;
  readonly passphraseStdin?: boolean;
}

interface ImportFlags extends AdminFlags {
  readonly name: string;
  readonly passphraseStdin?: boolean;
}

/** Adds `cert list | show | rotate | rollback | import | dev | csr`. */
export function addCertCommand(program: Command, shell: Shell): void {
  const cert = program.command('cert').description('certificates');
  addReading(cert, shell);
  addRotating(cert, shell);

  withFileOptions(cert.command('dev <names...>'))
    .description('make a certificate that the development CA signs')
    .option('--data <folder>', 'folder of the development CA', DEFAULT_DATA)
    .action((names: string[], flags: DevFlags) => makeDev(names, flags, shell));

  withFileOptions(cert.command('csr <names...>'))
    .description('make a key, which stays on this machine, and a request for an authority')
    .action((names: string[], flags: OutFlags) => makeRequest(names, flags, shell));
}

function withFileOptions(command: Command): Command {
  return command
    .option('--out <folder>', 'where the files are written', 'certs')
    .option('--rsa', 'an RSA key instead of ECDSA')
    .option('--json', 'JSON for scripts');
}

function addReading(cert: Command, shell: Shell): void {
  const list = (flags: AdminFlags) =>
    makeAdminClient(findAdmin(flags, shell)).call('GET', '/v1/certificates');

  withAdminOptions(cert.command('list'))
    .description('list what the gateway serves')
    .option('--json', 'JSON for scripts')
    .action(async (flags: AdminFlags) => printCertificates(await list(flags), flags.json, shell));

  withAdminOptions(cert.command('show <name>'))
    .description('show one certificate')
    .option('--json', 'JSON for scripts')
    .action(async (name: string, flags: AdminFlags) => {
      const found = rowsOf(await list(flags)).find((row) => row.name === name);
      if (found === undefined) throw new Complaint('There is no certificate of this name', { where: name });
      printCertificate(found, flags.json, shell);
    });
}

function addRotating(cert: Command, shell: Shell): void {
  const call = async (
    method: 'PUT' | 'POST',
    path: string,
    flags: AdminFlags,
    body?: object,
  ): Promise<void> => {
    const client = makeAdminClient(findAdmin(flags, shell));
    printRotation(await client.call(method, `/v1/certificates/${path}`, body), flags.json, shell);
  };

  withAdminOptions(cert.command('rotate <name>'))
    .description('serve another certificate from the next handshake on')
    .option('--certificate <file>', 'PEM chain, leaf first')
    .option('--key <file>', 'PEM key')
    .option('--pkcs12 <file>', 'PKCS#12 bundle, instead of certificate and key')
    .option('--passphrase-stdin', 'read the passphrase of the key from the standard input')
    .option('--json', 'JSON for scripts')
    .action(async (name: string, flags: RotateFlags) =>
      call('PUT', encodeURIComponent(name), flags, await readUpload(flags, shell)),
    );

  withAdminOptions(cert.command('import <file>'))
    .description('serve the certificate of a PKCS#12 bundle (.p12, .pfx)')
    .requiredOption('--name <name>', 'the name under which it is rotated')
    .option('--passphrase-stdin', 'read the passphrase from the standard input instead of asking for it')
    .option('--json', 'JSON for scripts')
    .action(async (file: string, flags: ImportFlags) => {
      const pkcs12 = read(file, shell).toString('base64');
      const passphrase =
        flags.passphraseStdin === true
          ? await firstLine(shell)
          : await shell.askHidden('Passphrase (empty when there is none): ');
      const upload = { pkcs12, ...(passphrase === undefined || passphrase === '' ? {} : { passphrase }) };
      await call('PUT', encodeURIComponent(flags.name), flags, upload);
    });

  withAdminOptions(cert.command('rollback <name>'))
    .description('return to the previous certificate')
    .option('--json', 'JSON for scripts')
    .action((name: string, flags: AdminFlags) => call('POST', `${encodeURIComponent(name)}/rollback`, flags));
}

async function firstLine(shell: Shell): Promise<string | undefined> {
  return (await shell.readInput()).split(/\r?\n/, 1)[0];
}

async function readUpload(flags: RotateFlags, shell: Shell): Promise<object> {
  const { certificate, key, pkcs12 } = flags;
  const line = flags.passphraseStdin === true ? await firstLine(shell) : undefined;
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
