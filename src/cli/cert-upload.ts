import { type PemBlock, pemBlocks } from '../certificates/pem.ts';
import { readPkcs12 } from '../certificates/pkcs12.ts';
import { Complaint } from './complaint.ts';
import { findPassphrase, type PassphraseFlags } from './passphrase.ts';
import { readGiven } from './read-given.ts';
import type { Shell } from './shell.ts';

/** Options of `cert rotate` that name files. */
export interface PairFlags extends PassphraseFlags {
  readonly certificate?: string;
  readonly key?: string;
  readonly pkcs12?: string;
}

/** Options of `cert import`. */
export interface ImportFlags extends PassphraseFlags {
  readonly name: string;
}

/** Gives the upload that `cert rotate` names: two PEM files, or a PKCS#12 bundle. */
export async function pairUpload(flags: PairFlags, shell: Shell): Promise<object> {
  const { certificate, key, pkcs12 } = flags;
  if (pkcs12 !== undefined && certificate === undefined && key === undefined)
    return bundleUpload(readGiven(pkcs12, shell), flags, shell);
  if (pkcs12 === undefined && certificate !== undefined && key !== undefined) {
    const pair = {
      certificate: readGiven(certificate, shell).toString(),
      key: readGiven(key, shell).toString(),
    };
    return withPassphrase(pair, await findPassphrase(flags, pemBlocks(pair.key).some(isEncrypted), shell));
  }
  throw new Complaint('Name --certificate and --key, or --pkcs12');
}

/** Gives the upload of one file: a PKCS#12 bundle, or PEM with the certificates and their key. */
export async function fileUpload(file: string, flags: ImportFlags, shell: Shell): Promise<object> {
  const bytes = readGiven(file, shell);
  if (!bytes.includes('-----BEGIN ')) return bundleUpload(bytes, flags, shell);
  const blocks = pemBlocks(bytes.toString());
  const certificates = blocks.filter(({ label }) => label.endsWith('CERTIFICATE'));
  const keys = blocks.filter(({ label }) => label.endsWith('PRIVATE KEY'));
  const missing = certificates.length === 0 ? 'certificate' : 'private key';
  if (certificates.length === 0 || keys.length === 0) {
    throw new Complaint(`The file is PEM and holds no ${missing}`, {
      where: file,
      remedy: `name both files: sallyport cert rotate ${flags.name} --certificate FILE --key FILE`,
    });
  }
  const pair = { certificate: textOf(certificates), key: textOf(keys) };
  return withPassphrase(pair, await findPassphrase(flags, keys.some(isEncrypted), shell));
}

async function bundleUpload(bytes: Buffer, flags: PassphraseFlags, shell: Shell): Promise<object> {
  const { problems } = await readPkcs12({ pkcs12: bytes });
  const encrypted = problems.some(({ word }) => word === 'passphrase-missing');
  return withPassphrase({ pkcs12: bytes.toString('base64') }, await findPassphrase(flags, encrypted, shell));
}

function withPassphrase(upload: object, passphrase: string | undefined): object {
  return passphrase === undefined ? upload : { ...upload, passphrase };
}

function isEncrypted({ label, text }: PemBlock): boolean {
  return label === 'ENCRYPTED PRIVATE KEY' || text.includes('Proc-Type: 4,ENCRYPTED');
}

function textOf(blocks: readonly PemBlock[]): string {
  return blocks.map(({ text }) => text).join('');
}
