import { createHash, X509Certificate } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { createSecureContext } from 'node:tls';
import type { ClientCertificateConfig } from '../config/config.ts';
import { subjectName } from './distinguished-name.ts';
import { pemBlocks } from './pem.ts';
import { type RevocationList, readRevocationList } from './revocation-list.ts';

/** One entry of `authenticate.certificate` with what its files hold. */
export interface ClientEntry {
  /** Equal for equal settings, authorities and revocation lists. */
  readonly id: string;
  readonly config: ClientCertificateConfig;
  /** PEM. */
  readonly ca: readonly string[];
  /** PEM; empty: revocation is not looked at. */
  readonly crl: readonly string[];
  /** `ca`, read. */
  readonly authorities: readonly X509Certificate[];
  /** Names of the authorities, in their order, as `comparableName` gives them. */
  readonly subjects: readonly string[];
  /** `crl`, read. */
  readonly lists: readonly RevocationList[];
}

/** Reads the files of an entry. @throws Error when one of its authorities or revocation lists cannot be used */
export async function loadClientEntry(config: ClientCertificateConfig): Promise<ClientEntry> {
  const ca = await blocksOf(config.ca, 'CERTIFICATE');
  const crl = config.crl === undefined ? [] : await blocksOf(config.crl, 'X509 CRL');
  const authorities = ca.map((text) => new X509Certificate(text));
  if (authorities.some((authority) => !authority.ca))
    throw new Error(`${config.ca} holds a certificate that is no authority`);
  // OpenSSL reads them once, so that what it cannot read is told now and not to every client.
  createSecureContext({ ca: [...ca], ...(crl.length === 0 ? {} : { crl: [...crl] }) });
  const settings = { ...config, users: config.users && [...config.users] };
  const id = createHash('sha256')
    .update(JSON.stringify([settings, ca, crl]))
    .digest('base64url');
  const subjects = authorities.map(subjectName);
  return { id, config, ca, crl, authorities, subjects, lists: crl.map(readRevocationList) };
}

async function blocksOf(file: string, label: string): Promise<readonly string[]> {
  const blocks = pemBlocks(await readFile(file, 'utf8')).filter((block) => block.label === label);
  if (blocks.length === 0) throw new Error(`${file} holds no PEM block ${label}`);
  return blocks.map(({ text }) => text);
}
