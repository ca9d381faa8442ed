import { type Static, Type } from 'typebox';
import { isMapping } from '../check-shape.ts';
import type { UpstreamConfig, UpstreamTarget } from '../config.ts';
import type { KeyPath } from '../key-path.ts';
import type { ResolveContext } from '../resolve-context.ts';
import { parseTarget } from '../upstream-target.ts';
import { NAME_HINT, NAME_PATTERN } from './certificates.ts';
import { count, duration, durationOrOff, milliseconds, text } from './value.ts';

const EJECT = { after: 3, for: '10s' } as const;

const DEFAULTS = {
  balance: 'round-robin',
  hostHeader: 'client',
  connectTimeout: '5s',
  firstByteTimeout: '60s',
  idleTimeout: '60s',
  keepAlive: '30s',
  connections: 256,
  retries: 1,
} as const;

const EjectSchema = Type.Object(
  {
    after: Type.Optional(
      count({
        description: 'Failures in a row after which a target rests; `0`: never.',
        default: EJECT.after,
        least: 0,
      }),
    ),
    for: Type.Optional(duration({ description: 'How long it rests.', default: EJECT.for })),
  },
  { description: 'When a failing target is left out.', additionalProperties: false },
);

const UpstreamSchema = Type.Object(
  {
    targets: Type.Array(text({ description: 'URL without path.' }), {
      description: 'URLs of the servers: scheme, host and port.',
      minItems: 1,
      examples: [['http://10.0.0.1:8080', 'http://10.0.0.2:8080']],
    }),
    balance: Type.Optional(
      Type.Enum(['round-robin'], { description: 'How the target is chosen.', default: DEFAULTS.balance }),
    ),
    ca: Type.Optional(
      text({
        description: 'PEM file of the CAs that replace the system’s.',
        examples: ['certs/internal-ca.pem'],
      }),
    ),
    serverName: Type.Optional(
      text({
        description: 'Name that the server’s certificate is checked against; default the target’s host.',
      }),
    ),
    hostHeader: Type.Optional(
      Type.Enum(['client', 'target'], {
        description: '`client`: the name the client asked for; `target`: the target’s own.',
        default: DEFAULTS.hostHeader,
      }),
    ),
    connectTimeout: Type.Optional(
      duration({ description: 'Longest wait for a connection.', default: DEFAULTS.connectTimeout }),
    ),
    firstByteTimeout: Type.Optional(
      durationOrOff({
        description: 'Longest wait for the head of the answer.',
        default: DEFAULTS.firstByteTimeout,
      }),
    ),
    idleTimeout: Type.Optional(
      durationOrOff({ description: 'Longest silence inside an answer.', default: DEFAULTS.idleTimeout }),
    ),
    keepAlive: Type.Optional(
      durationOrOff({ description: 'How long an unused connection is kept.', default: DEFAULTS.keepAlive }),
    ),
    connections: Type.Optional(
      count({ description: 'Most connections to each target.', default: DEFAULTS.connections, least: 1 }),
    ),
    retries: Type.Optional(
      count({
        description: 'Further tries of an idempotent request without body, before the first byte.',
        default: DEFAULTS.retries,
        least: 0,
      }),
    ),
    eject: Type.Optional(EjectSchema),
  },
  { additionalProperties: false },
);

/** Section `upstreams`: the services behind the gateway, by name. */
export const UpstreamsSchema = Type.Record(Type.String({ pattern: NAME_PATTERN }), UpstreamSchema, {
  description: 'The services behind the gateway, by name; a route may also name a URL directly.',
  default: {},
  additionalProperties: false,
  patternHint: NAME_HINT,
});

/** Reference of the built-in upstream that answers with what it was sent. */
export const WHOAMI = 'internal:whoami';

/** Gives the upstreams whose entries are sound, by name; problems go to the context. */
export function resolveUpstreams(input: unknown, context: ResolveContext): Map<string, UpstreamConfig> {
  const resolved = new Map<string, UpstreamConfig>();
  context.accepts(UpstreamsSchema, input, ['upstreams']);
  if (!isMapping(input)) return resolved;
  for (const [name, item] of Object.entries(input)) {
    if (!context.isSound(UpstreamSchema, item)) continue;
    resolved.set(name, resolveOne(name, item, context));
  }
  return resolved;
}

/** Gives an upstream of default properties for a reference that a route writes in place of a name. */
export function inlineUpstream(reference: string): UpstreamConfig | undefined {
  if (reference === WHOAMI) return build(reference, 'whoami', [], {});
  const target = parseTarget(reference);
  return 'fault' in target ? undefined : build(reference, 'http', [target], {});
}

type Input = Partial<Static<typeof UpstreamSchema>>;

function resolveOne(
  name: string,
  input: Static<typeof UpstreamSchema>,
  context: ResolveContext,
): UpstreamConfig {
  const path: KeyPath = ['upstreams', name];
  const targets = input.targets.flatMap((written, i) => {
    const target = parseTarget(written);
    if (!('fault' in target)) return [target];
    context.error([...path, 'targets', i], target.fault, target.hint);
    return [];
  });
  checkTwice(targets, path, context);
  const secure = targets.some((target) => target.protocol === 'https:');
  for (const key of ['ca', 'serverName'] as const) {
    if (input[key] !== undefined && !secure && targets.length > 0) {
      context.error([...path, key], 'has no effect on http targets', 'write https, or remove it');
    }
  }
  const ca = input.ca === undefined ? {} : { ca: context.existing(input.ca, [...path, 'ca']) };
  return build(name, 'http', targets, { ...input, ...ca });
}

function checkTwice(targets: readonly UpstreamTarget[], path: KeyPath, context: ResolveContext): void {
  const seen = new Set<string>();
  for (const { address } of targets) {
    if (seen.has(address)) context.error([...path, 'targets'], `names ${address} twice`);
    seen.add(address);
  }
}

function build(
  name: string,
  kind: UpstreamConfig['kind'],
  targets: readonly UpstreamTarget[],
  input: Input,
): UpstreamConfig {
  const given = { ...DEFAULTS, ...input };
  const eject = { ...EJECT, ...input.eject };
  return {
    name,
    kind,
    targets,
    balance: given.balance,
    ca: input.ca,
    serverName: input.serverName,
    hostHeader: given.hostHeader,
    connectMs: milliseconds(given.connectTimeout),
    firstByteMs: milliseconds(given.firstByteTimeout),
    idleMs: milliseconds(given.idleTimeout),
    keepAliveMs: milliseconds(given.keepAlive),
    connectionsPerTarget: given.connections,
    retries: given.retries,
    ejectAfter: eject.after,
    ejectMs: milliseconds(eject.for),
  };
}
