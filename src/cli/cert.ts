import type { Command } from 'commander';
import { type AdminClient, makeAdminClient } from './admin-client.ts';
import { type AdminFlags, DEFAULT_DATA, findAdmin, withAdminOptions } from './admin-options.ts';
import { printCertificate } from './cert-detail-view.ts';
import { type DevFlags, makeDev, makeRequest, type OutFlags } from './cert-files.ts';
import { removeCertificate } from './cert-remove.ts';
import { fileUpload, type ImportFlags, type PairFlags, pairUpload } from './cert-upload.ts';
import { printCertificates, printRotation } from './cert-view.ts';
import { withPassphraseOptions } from './passphrase.ts';
import type { Shell } from './shell.ts';

/** Adds `cert list | show | rotate | import | rollback | remove | dev | csr`. */
export function addCertCommand(program: Command, shell: Shell): void {
  const cert = program.command('cert').description('certificates');
  addReading(cert, shell);
  addRotating(cert, shell);
  addReturning(cert, shell);

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

function withGateway(command: Command): Command {
  return withAdminOptions(command).option('--json', 'JSON for scripts');
}

function clientFor(flags: AdminFlags, shell: Shell): AdminClient {
  return makeAdminClient(findAdmin(flags, shell));
}

function pathOf(name: string): string {
  return `/v1/certificates/${encodeURIComponent(name)}`;
}

function addReading(cert: Command, shell: Shell): void {
  withGateway(cert.command('list'))
    .description('list what the gateway serves, and what it holds and cannot serve')
    .action(async (flags: AdminFlags) => {
      const list = await clientFor(flags, shell).call('GET', '/v1/certificates');
      printCertificates(list, flags.json, shell);
    });

  withGateway(cert.command('show <name>'))
    .description('show all there is to know of one certificate')
    .action(async (name: string, flags: AdminFlags) => {
      printCertificate(await clientFor(flags, shell).call('GET', pathOf(name)), flags.json, shell);
    });
}

function addRotating(cert: Command, shell: Shell): void {
  const send = async (name: string, upload: object, flags: AdminFlags): Promise<void> => {
    printRotation(await clientFor(flags, shell).call('PUT', pathOf(name), upload), flags.json, shell);
  };

  const rotate = cert
    .command('rotate <name>')
    .description('serve another certificate from the next handshake on')
    .option('--certificate <file>', 'PEM chain, leaf first')
    .option('--key <file>', 'PEM key')
    .option('--pkcs12 <file>', 'PKCS#12 bundle, instead of certificate and key');
  withGateway(withPassphraseOptions(rotate)).action(async (name: string, flags: PairFlags & AdminFlags) =>
    send(name, await pairUpload(flags, shell), flags),
  );

  const fromFile = cert
    .command('import <file>')
    .description('serve the certificate of one file: PKCS#12 (.p12, .pfx), or PEM with certificates and key')
    .requiredOption('--name <name>', 'the name under which it is rotated');
  withGateway(withPassphraseOptions(fromFile)).action(async (file: string, flags: ImportFlags & AdminFlags) =>
    send(flags.name, await fileUpload(file, flags, shell), flags),
  );
}

function addReturning(cert: Command, shell: Shell): void {
  withGateway(cert.command('rollback <name>'))
    .description('return to the previous certificate')
    .action(async (name: string, flags: AdminFlags) => {
      const answer = await clientFor(flags, shell).call('POST', `${pathOf(name)}/rollback`);
      printRotation(answer, flags.json, shell);
    });

  withGateway(cert.command('remove <name>'))
    .description('remove what was uploaded; what the configuration gives is served again')
    .action((name: string, flags: AdminFlags) =>
      removeCertificate(name, { client: clientFor(flags, shell), json: flags.json }, shell),
    );
}
