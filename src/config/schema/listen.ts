import { type Static, Type } from 'typebox';
import { parseIpRange } from '../../lib/ip-range.ts';
import type { Endpoint, LimitsConfig, ListenConfig } from '../config.ts';
import { parseEndpoint } from '../endpoint.ts';
import type { KeyPath } from '../key-path.ts';
import type { ResolveContext } from '../resolve-context.ts';
import {
  anyTextList,
  bytes,
  count,
  duration,
  durationOrOff,
  many,
  milliseconds,
  oneOrMany,
  sizeOrOff,
  text,
} from './value.ts';

const LIMITS = {
  headerBytes: '32KiB',
  headerCount: 200,
  urlBytes: '16KiB',
  bodyBytes: '100MiB',
  headerTimeout: '15s',
  bodyIdle: '60s',
  keepAlive: '75s',
  handshake: '10s',
  connectionsPerAddress: 1000,
  streamsPerConnection: 128,
} as const;

const DEFAULTS = {
  https: '0.0.0.0:8443',
  http: [],
  admin: '127.0.0.1:9443',
  adminHosts: [],
  trustedProxies: [],
  defaultCertificate: 'none',
  tls: 'intermediate',
  limits: {},
  drain: '30s',
} as const;

/** Gives the schema of a TLS preset. */
export function tlsPreset(description: string) {
  return Type.Enum(['modern', 'intermediate'], { description });
}

const LimitsSchema = Type.Object(
  {
    headerBytes: Type.Optional(
      sizeOrOff({
        description: 'Largest head of a request, all fields together.',
        default: LIMITS.headerBytes,
      }),
    ),
    headerCount: Type.Optional(
      count({ description: 'Most header fields of a request.', default: LIMITS.headerCount, least: 0 }),
    ),
    urlBytes: Type.Optional(sizeOrOff({ description: 'Longest request target.', default: LIMITS.urlBytes })),
    bodyBytes: Type.Optional(
      sizeOrOff({ description: 'Largest request body; a route may set its own.', default: LIMITS.bodyBytes }),
    ),
    headerTimeout: Type.Optional(
      durationOrOff({ description: 'Longest wait for a complete head.', default: LIMITS.headerTimeout }),
    ),
    bodyIdle: Type.Optional(
      durationOrOff({
        description: 'Longest silence of a client that sends a body or takes an answer.',
        default: LIMITS.bodyIdle,
      }),
    ),
    keepAlive: Type.Optional(
      durationOrOff({
        description: 'Longest silence of a connection between requests.',
        default: LIMITS.keepAlive,
      }),
    ),
    handshake: Type.Optional(
      durationOrOff({ description: 'Longest TLS handshake.', default: LIMITS.handshake }),
    ),
    connectionsPerAddress: Type.Optional(
      count({
        description: 'Most open connections of one client address; of IPv6, one /64.',
        default: LIMITS.connectionsPerAddress,
        least: 0,
      }),
    ),
    streamsPerConnection: Type.Optional(
      count({
        description: 'Most concurrent HTTP/2 streams of a connection.',
        default: LIMITS.streamsPerConnection,
        least: 0,
      }),
    ),
  },
  {
    description: 'Bounds of what a client may send and hold; `0` switches one off.',
    additionalProperties: false,
  },
);

/** Section `listen`: where the gateway answers, and how much it takes from a client. */
export const ListenSchema = Type.Object(
  {
    https: Type.Optional(
      oneOrMany({
        description: 'Where the gateway answers: `host:port`, `[v6]:port` or `unix:/path`, one or a list.',
        default: DEFAULTS.https,
      }),
    ),
    http: Type.Optional(
      oneOrMany({ description: 'Where plain HTTP is redirected to https.', examples: ['0.0.0.0:8080'] }),
    ),
    admin: Type.Optional(
      text({
        description: 'Where the admin API answers: `host:port` or `unix:/path`.',
        default: DEFAULTS.admin,
      }),
    ),
    adminCertificate: Type.Optional(
      text({
        description: 'Name of the certificate of the admin API; without it the dev CA signs one.',
        examples: ['site'],
      }),
    ),
    adminHosts: Type.Optional(
      anyTextList({
        description: 'Host names, beside those of loopback, under which the admin API may be addressed.',
        default: [],
      }),
    ),
    trustedProxies: Type.Optional(
      anyTextList({
        description:
          'Address ranges of proxies that may tell the client’s address in `Forwarded` or `X-Forwarded-For`; nobody by default.',
        default: [],
        examples: [['10.0.0.0/8']],
      }),
    ),
    defaultCertificate: Type.Optional(
      text({
        description:
          'Name of the certificate for a client without, or with an unknown, server name; `none` refuses the handshake.',
        default: DEFAULTS.defaultCertificate,
      }),
    ),
    tls: Type.Optional({
      ...tlsPreset('`modern`: TLS 1.3 only. `intermediate`: TLS 1.2 (ECDHE, AEAD) and 1.3.'),
      default: DEFAULTS.tls,
    }),
    limits: Type.Optional(LimitsSchema),
    drain: Type.Optional(
      duration({
        description: 'Longest wait for open exchanges on stop and reload.',
        default: DEFAULTS.drain,
      }),
    ),
  },
  {
    description: 'Where the gateway answers, and how much it takes from a client.',
    additionalProperties: false,
  },
);

/** Gives the section resolved, or `undefined` when its shape is wrong; problems go to the context. */
export function resolveListen(input: unknown, context: ResolveContext): ListenConfig | undefined {
  const path: KeyPath = ['listen'];
  if (!context.accepts(ListenSchema, input, path)) return undefined;
  const given = { ...DEFAULTS, ...input };
  const admin = endpoint(given.admin, [...path, 'admin'], context);
  const https = endpoints(given.https, [...path, 'https'], context);
  const http = endpoints(given.http, [...path, 'http'], context);
  checkRanges(given.trustedProxies, [...path, 'trustedProxies'], context);
  if (admin === undefined) return undefined;
  return {
    https,
    http,
    admin,
    adminCertificate: input.adminCertificate,
    adminHosts: given.adminHosts.map((host) => host.toLowerCase()),
    trustedProxies: given.trustedProxies,
    defaultCertificate: given.defaultCertificate === 'none' ? undefined : given.defaultCertificate,
    tls: given.tls,
    limits: limits(given.limits),
    drainMs: milliseconds(given.drain),
  };
}

function limits(input: Static<typeof LimitsSchema>): LimitsConfig {
  const given = { ...LIMITS, ...input };
  return {
    headerBytes: bytes(given.headerBytes),
    headerCount: given.headerCount,
    urlBytes: bytes(given.urlBytes),
    bodyBytes: bytes(given.bodyBytes),
    headerTimeoutMs: milliseconds(given.headerTimeout),
    bodyIdleMs: milliseconds(given.bodyIdle),
    keepAliveMs: milliseconds(given.keepAlive),
    handshakeMs: milliseconds(given.handshake),
    connectionsPerAddress: given.connectionsPerAddress,
    streamsPerConnection: given.streamsPerConnection,
  };
}

function endpoints(
  written: string | readonly string[],
  path: KeyPath,
  context: ResolveContext,
): readonly Endpoint[] {
  return many(written).flatMap((one, i) => {
    const found = endpoint(one, typeof written === 'string' ? path : [...path, i], context);
    return found === undefined ? [] : [found];
  });
}

function endpoint(written: string, path: KeyPath, context: ResolveContext): Endpoint | undefined {
  const found = parseEndpoint(written, (file) => context.absolute(file));
  if (found !== undefined) return found;
  return context.error(
    path,
    `is not an address to listen on: ${JSON.stringify(written)}`,
    'write host:port, [v6]:port or unix:/path',
  );
}

function checkRanges(written: readonly string[], path: KeyPath, context: ResolveContext): void {
  for (const [i, range] of written.entries()) checkRange(range, [...path, i], context);
}

const FAULTS = {
  'not-an-address': ['is not an address range', 'write it like 10.0.0.0/8 or fd00::/8'],
  'bad-prefix': ['has a wrong prefix length', 'a number up to 32 for IPv4, up to 128 for IPv6'],
  'mapped-ipv4': ['is an IPv4 range in IPv6 clothes', 'write the IPv4 range'],
  'host-bits': ['has address bits after its prefix', 'write the first address of the range'],
} as const;

/** Notes a text that is not an address range. */
export function checkRange(range: string, path: KeyPath, context: ResolveContext): void {
  const parsed = parseIpRange(range);
  if (!('fault' in parsed)) return;
  const [message, hint] = FAULTS[parsed.fault];
  context.error(path, `${message}: ${JSON.stringify(range)}`, hint);
}
