import { existsSync, readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { rootCertificates } from 'node:tls';
import type { Command } from 'commander';
import { readConfig } from '../config/load.ts';
import { Complaint } from './complaint.ts';
import type { Shell } from './shell.ts';

/** Options of every command that talks to the running gateway. */
export interface AdminFlags {
  readonly admin?: string;
  readonly ca?: string;
  readonly data: string;
  readonly json?: boolean;
}

/** Where the admin API is and how to be let in. */
export interface AdminAccess {
  /** `https://host:port`, or `unix:/path`. */
  readonly url: string;
  readonly token: string;
  /** Authorities that may vouch for the admin door, PEM. */
  readonly ca: string[];
}

export const DEFAULT_CONFIG = 'sallyport.yaml';
export const DEFAULT_DATA = 'data';
const DEFAULT_ADMIN = 'https://127.0.0.1:9443';

/** Adds `--admin`, `--ca` and `--data` to a command. */
export function withAdminOptions(command: Command): Command {
  return command
    .option('--admin <url>', 'admin API of the running gateway: https://host:port or unix:/path')
    .option('--ca <file>', 'authority of the admin certificate (default: dev-ca.crt of the data folder)')
    .option('--data <folder>', 'folder of keys and state', DEFAULT_DATA);
}

/** Gives the access that the flags, the environment, the configuration and the data folder name, in this order. */
export function findAdmin(flags: AdminFlags, shell: Shell): AdminAccess {
  const data = resolve(shell.folder, flags.data);
  const url = flags.admin ?? shell.env.SALLYPORT_ADMIN ?? configuredAdmin(shell) ?? DEFAULT_ADMIN;
  if (!/^(https:\/\/|unix:)/.test(url)) {
    throw new Complaint('The address of the admin API must start with https:// or unix:', { where: url });
  }
  return { url: url.replace(/\/$/, ''), token: findToken(data, shell), ca: findCa(flags.ca, data, shell) };
}

function configuredAdmin(shell: Shell): string | undefined {
  const file = join(shell.folder, DEFAULT_CONFIG);
  if (!existsSync(file)) return undefined;
  const endpoint = readConfig(file, shell.env).config?.listen.admin;
  if (endpoint === undefined) return undefined;
  if (endpoint.kind === 'unix') return `unix:${endpoint.path}`;
  const host = ['0.0.0.0', '::'].includes(endpoint.host) ? '127.0.0.1' : endpoint.host;
  return `https://${host.includes(':') ? `[${host}]` : host}:${endpoint.port}`;
}

function findToken(data: string, shell: Shell): string {
  const given = shell.env.SALLYPORT_ADMIN_TOKEN;
  if (given !== undefined && given !== '') return given;
  const file = join(data, 'admin-token');
  try {
    return readFileSync(file, 'utf8').trim();
  } catch (cause) {
    throw new Complaint('There is no admin token', {
      where: file,
      reason: 'no-token',
      remedy:
        'run this where the gateway runs, name its data folder with --data, or set SALLYPORT_ADMIN_TOKEN',
      cause,
    });
  }
}

function findCa(given: string | undefined, data: string, shell: Shell): string[] {
  const own = join(data, 'dev-ca.crt');
  const file = given === undefined ? own : resolve(shell.folder, given);
  if (given === undefined && !existsSync(own)) return [...rootCertificates];
  try {
    return [...rootCertificates, readFileSync(file, 'utf8')];
  } catch (cause) {
    throw new Complaint('The authority of the admin certificate cannot be read', { where: file, cause });
  }
}
