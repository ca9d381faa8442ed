import { readFileSync } from 'node:fs';
import { invalidAddress } from './invalid-address.ts';

/** One Redis, Sentinel or node of a Cluster. */
export interface RedisHost {
  readonly host: string;
  readonly port: number;
}

/** What a Redis URL says, checked. Security: holds the password; never logged. */
export interface RedisAddress {
  readonly kind: 'single' | 'sentinel' | 'cluster';
  /** At least one. */
  readonly hosts: readonly [RedisHost, ...RedisHost[]];
  readonly user: string | undefined;
  readonly password: string | undefined;
  readonly db: number;
  /** Name of the master that the Sentinels watch; empty for other kinds. */
  readonly masterName: string;
  readonly sentinelUser: string | undefined;
  readonly sentinelPassword: string | undefined;
  /** `undefined`: plain TCP. `ca`: PEM of a private CA; absent: the CAs of the runtime. */
  readonly tls: { readonly ca?: string } | undefined;
  /** First part of every key, so that several gateways can share one Redis. */
  readonly prefix: string;
}

const SHAPE =
  /^(redis|rediss|redis\+sentinel|redis\+cluster):\/\/(?:([^/?#]*)@)?([^/?#@]+)(?:\/([^?#]*))?(?:\?([^#]*))?$/;
const HOST = /^(\[[0-9a-fA-F:.]+\]|[A-Za-z0-9._-]+)(?::(\d{1,5}))?$/;
const PREFIX = /^[A-Za-z0-9._-]{1,64}$/;
const OPTIONS = new Set(['ca', 'tls', 'prefix', 'sentinelUser', 'sentinelPassword']);

/**
 * Reads `redis://[user:password@]host[:port][/db]`, the same with `rediss://` (TLS),
 * `redis+sentinel://[user:password@]h1[:26379],h2/master-name[/db]` and `redis+cluster://[user:password@]h1[:6379],h2`.
 * Options: `ca=FILE`, `tls=true`, `prefix=NAME`, `sentinelUser=`, `sentinelPassword=`.
 *
 * @throws SP_CONFIG_INVALID with a hint. Security: the message never quotes the URL.
 */
export function parseRedisUrl(url: string): RedisAddress {
  const match = SHAPE.exec(url);
  if (match === null) {
    throw invalidAddress(
      'the Redis URL is malformed; percent-encode "/", "?", "#" and "@" in a user name or password',
    );
  }
  const [, scheme = '', credentials, hosts = '', path = '', query = ''] = match;
  const kind = scheme === 'redis+sentinel' ? 'sentinel' : scheme === 'redis+cluster' ? 'cluster' : 'single';
  const options = readOptions(query);
  const [user, password] = readCredentials(credentials);
  const place = readPath(kind, path);
  const prefix = options.get('prefix') ?? 'sallyport';
  if (!PREFIX.test(prefix))
    throw invalidAddress('`prefix` may hold letters, digits, ".", "_" and "-", at most 64');
  return {
    kind,
    hosts: readHosts(kind, hosts),
    user,
    password,
    ...place,
    sentinelUser: options.get('sentinelUser') ?? undefined,
    sentinelPassword: options.get('sentinelPassword') ?? undefined,
    tls: readTls(scheme === 'rediss', options),
    prefix,
  };
}

function readOptions(query: string): URLSearchParams {
  const options = new URLSearchParams(query);
  for (const name of options.keys()) {
    if (OPTIONS.has(name)) continue;
    throw invalidAddress(`the Redis URL has an unknown option; known are ${[...OPTIONS].join(', ')}`);
  }
  return options;
}

function readCredentials(text: string | undefined): [string | undefined, string | undefined] {
  if (text === undefined) return [undefined, undefined];
  const colon = text.indexOf(':');
  if (colon === -1)
    throw invalidAddress('the Redis URL names a user without a password; write user:password@ or :password@');
  try {
    const user = decodeURIComponent(text.slice(0, colon));
    return [user === '' ? undefined : user, decodeURIComponent(text.slice(colon + 1))];
  } catch {
    throw invalidAddress(
      'the user name or password in the Redis URL is not percent-encoded; write "%25" for "%"',
    );
  }
}

function readHosts(kind: RedisAddress['kind'], text: string): RedisAddress['hosts'] {
  const standard = kind === 'sentinel' ? 26379 : 6379;
  const [first, ...others] = text.split(',').map((part) => {
    const [, host = '', port] = HOST.exec(part) ?? [];
    const number = port === undefined ? standard : Number(port);
    if (host === '' || number < 1 || number > 65535)
      throw invalidAddress('a host of the Redis URL is malformed');
    return { host: host.replace(/^\[|\]$/g, ''), port: number };
  });
  if (first === undefined) throw invalidAddress('the Redis URL names no host');
  if (kind === 'single' && others.length > 0) {
    throw invalidAddress('redis:// takes one host; write redis+sentinel:// or redis+cluster:// for several');
  }
  return [first, ...others];
}

function readPath(kind: RedisAddress['kind'], path: string): { db: number; masterName: string } {
  const parts = path === '' ? [] : path.split('/');
  const masterName = kind === 'sentinel' ? parts.shift() : '';
  if (masterName === undefined)
    throw invalidAddress('redis+sentinel:// needs the name of the master after the hosts');
  const db = Number(parts.shift() ?? '0');
  if (parts.length > 0 || !Number.isInteger(db) || db < 0)
    throw invalidAddress('the database of the Redis URL must be a number');
  if (kind === 'cluster' && db !== 0) throw invalidAddress('a Redis Cluster has only database 0');
  return { db, masterName };
}

function readTls(always: boolean, options: URLSearchParams): RedisAddress['tls'] {
  const file = options.get('ca');
  const wanted = options.get('tls');
  if (wanted !== null && wanted !== 'true') throw invalidAddress('`tls` of the Redis URL can only be true');
  if (file === null) return always || wanted === 'true' ? {} : undefined;
  if (!always && wanted === null) throw invalidAddress('`ca` needs TLS: write rediss://, or add tls=true');
  try {
    return { ca: readFileSync(file, 'utf8') };
  } catch (thrown) {
    throw invalidAddress('the file that `ca` of the Redis URL names cannot be read', thrown);
  }
}
