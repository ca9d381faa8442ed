import { createHash, X509Certificate } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { createSecureContext } from 'node:tls';
import type { ClientCertificateConfig } from '../config/config.ts';
import { GatewayError } from '../errors.ts';
import { canonicalName, wildcardOf } from './host-name.ts';
import { pemBlocks } from './pem.ts';

/** What a host wants to see of its clients. */
export interface ClientDemand {
  /** Equal for equal settings, authorities and revocation lists; part of the TLS policy. */
  readonly id: string;
  readonly config: ClientCertificateConfig;
  /** Whether a client without a good certificate gets no connection. */
  readonly required: boolean;
  /** PEM. */
  readonly ca: readonly string[];
  /** PEM; empty: revocation is not looked at. */
  readonly crl: readonly string[];
}

/** The demands of one generation, by host. */
export class ClientDemands {
  readonly #byHost = new Map<string, ClientDemand>();
  readonly #byId = new Map<string, ClientDemand>();

  /** @throws SP_CONFIG_INVALID with every authority and revocation list that cannot be used */
  static async load(configs: readonly ClientCertificateConfig[]): Promise<ClientDemands> {
    const demands = new ClientDemands();
    const problems: string[] = [];
    for (const config of configs) {
      try {
        demands.#add(await loadOne(config));
      } catch (error) {
        const why = error instanceof Error ? error.message : 'unreadable';
        problems.push(`client certificates ${config.name}: ${why}`);
      }
    }
    if (problems.length > 0) {
      throw new GatewayError('SP_CONFIG_INVALID', {
        detail: problems.join('; '),
        reason: 'client-certificates',
        problems,
      });
    }
    return demands;
  }

  #add(demand: ClientDemand): void {
    this.#byId.set(demand.id, demand);
    for (const host of demand.config.hosts) this.#byHost.set(host, demand);
  }

  /** Gives what a host wants, `undefined` when it asks nobody. @param host - in any spelling; `undefined`: none was named */
  of(host: string | undefined): ClientDemand | undefined {
    if (this.#byHost.size === 0) return undefined;
    const name = host === undefined ? undefined : canonicalName(host);
    const wildcard = name === undefined ? undefined : wildcardOf(name);
    return (
      (name === undefined ? undefined : this.#byHost.get(name)) ??
      (wildcard === undefined ? undefined : this.#byHost.get(wildcard)) ??
      this.#byHost.get('*')
    );
  }

  byId(id: string): ClientDemand | undefined {
    return this.#byId.get(id);
  }

  /** Gives the ids, sorted, as one text: equal for generations that want the same. */
  get ids(): string {
    return [...this.#byId.keys()].sort().join(' ');
  }

  /** Whether no host asks. */
  get none(): boolean {
    return this.#byHost.size === 0;
  }
}

async function loadOne(config: ClientCertificateConfig): Promise<ClientDemand> {
  const ca = await blocksOf(config.ca, 'CERTIFICATE');
  const crl = config.crl === undefined ? [] : await blocksOf(config.crl, 'X509 CRL');
  for (const text of ca) {
    if (!new X509Certificate(text).ca)
      throw new Error(`${config.ca} holds a certificate that is no authority`);
  }
  // OpenSSL reads them once, so that what it cannot read is told now and not to every client.
  createSecureContext({ ca: [...ca], ...(crl.length === 0 ? {} : { crl: [...crl] }) });
  const settings = { ...config, users: config.users && [...config.users] };
  const id = createHash('sha256')
    .update(JSON.stringify([settings, ca, crl]))
    .digest('base64url');
  return { id, config, required: config.mode === 'require', ca, crl };
}

async function blocksOf(file: string, label: string): Promise<readonly string[]> {
  const blocks = pemBlocks(await readFile(file, 'utf8')).filter((block) => block.label === label);
  if (blocks.length === 0) throw new Error(`${file} holds no PEM block ${label}`);
  return blocks.map(({ text }) => text);
}
