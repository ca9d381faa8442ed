import { type Static, Type } from 'typebox';
import type { MethodName } from '../../exchange.ts';
import { closest } from '../closest.ts';
import type { RouteConfig } from '../config.ts';
import type { KeyPath, Placed } from '../key-path.ts';
import { parseOrigin } from '../origin.ts';
import type { ResolveContext } from '../resolve-context.ts';
import { hostFault, pathFault } from '../route-pattern.ts';
import { parseTarget } from '../upstream-target.ts';
import { AllowSchema, resolveAllow } from './allow.ts';
import { WHOAMI } from './upstreams.ts';
import { bytes, durationOrOff, many, milliseconds, oneOrMany, sizeOrOff, text } from './value.ts';

const DEFAULTS = {
  path: '/',
  public: false,
  storeDown: 'grace',
  passCredential: false,
  stripPath: false,
  streamIdle: '1h',
  origins: 'same',
} as const;

const AcceptSchema = Type.Array(
  Type.Enum(['token', 'basic'], {
    later: {
      session: 'browser sessions',
      oidc: 'OpenID Connect sign-in',
      apiKey: 'API keys',
      certificate: 'client certificates',
    },
  }),
  {
    description:
      'Methods in the order in which they are asked; default `token`, and `basic` when it is configured. Tokens of the gateway itself need no issuer.',
    minItems: 1,
    examples: [['token', 'basic']],
  },
);

const RouteSchema = Type.Object(
  {
    host: oneOrMany({
      description: 'Host names: exact, `*.example.com` for one label, or `*` for any.',
      examples: ['api.example.com'],
    }),
    path: Type.Optional(
      oneOrMany({
        description: 'Prefixes, matched on segment boundaries; the longest wins.',
        default: DEFAULTS.path,
        examples: ['/v1'],
      }),
    ),
    upstream: text({
      description: 'Name of an upstream, a URL without path, or `internal:whoami`.',
      examples: ['http://10.0.0.5:3000'],
    }),
    public: Type.Optional(
      Type.Boolean({ description: 'Forwards without asking who it is.', default: DEFAULTS.public }),
    ),
    accept: Type.Optional(AcceptSchema),
    allow: Type.Optional(AllowSchema),
    storeDown: Type.Optional(
      Type.Enum(['closed', 'grace', 'open-to-known'], {
        description:
          'While the state is away: `closed` refuses all, `grace` trusts identities verified lately, `open-to-known` every one still remembered.',
        default: DEFAULTS.storeDown,
      }),
    ),
    passCredential: Type.Optional(
      Type.Boolean({
        description: 'Lets the credential that was used travel on to the upstream.',
        default: DEFAULTS.passCredential,
      }),
    ),
    stripPath: Type.Optional(
      Type.Boolean({
        description: 'Removes `path` from the front before forwarding.',
        default: DEFAULTS.stripPath,
      }),
    ),
    bodyBytes: Type.Optional(
      sizeOrOff({
        description: 'Largest request body; default `listen.limits.bodyBytes`.',
        examples: ['1GiB'],
      }),
    ),
    streamIdle: Type.Optional(
      durationOrOff({ description: 'Longest silence of a WebSocket.', default: DEFAULTS.streamIdle }),
    ),
    audience: Type.Optional(
      text({ description: 'Audience of the assertion that the upstream gets; default the upstream’s name.' }),
    ),
    origins: Type.Optional(
      Type.Union(
        [
          Type.Enum(['same', 'any'], { type: 'string' }),
          Type.Array(Type.String({ minLength: 1, maxLength: 4096 }), { minItems: 1 }),
        ],
        {
          description: 'Pages that may open a WebSocket: `same` host, `any`, or a list of origins.',
          default: DEFAULTS.origins,
          examples: [['https://app.example.com']],
        },
      ),
    ),
  },
  { additionalProperties: false },
);

/** Section `routes`: which request goes where, and who may make it. */
export const RoutesSchema = Type.Array(RouteSchema, {
  description:
    'Which request goes where, and who may make it: the most specific host, then the longest path wins.',
  default: [],
});

/** What a route needs to know of the other sections. */
export interface RouteSurroundings {
  readonly methods: readonly MethodName[];
  readonly upstreamNames: ReadonlySet<string>;
  /** Limit of the body where the route sets none. */
  readonly bodyBytes: number;
}

type RouteInput = Static<typeof RouteSchema>;

/** Gives the routes whose entries are sound, one for each host and path; problems go to the context. */
export function resolveRoutes(
  input: unknown,
  surroundings: RouteSurroundings,
  context: ResolveContext,
): Placed<RouteConfig>[] {
  context.accepts(RoutesSchema, input, ['routes']);
  if (!Array.isArray(input)) return [];
  return input.flatMap((item: unknown, i) => {
    const path: KeyPath = ['routes', i];
    if (!context.isSound(RouteSchema, item)) return [];
    return resolveOne(item, path, surroundings, context).map((value) => ({ path, value }));
  });
}

function resolveOne(
  input: RouteInput,
  path: KeyPath,
  around: RouteSurroundings,
  context: ResolveContext,
): RouteConfig[] {
  const given = { ...DEFAULTS, ...input };
  checkPatterns(input.host, hostFault, [...path, 'host'], context);
  checkPatterns(given.path, pathFault, [...path, 'path'], context);
  checkEffects(input, path, context);
  checkUpstream(input.upstream, around.upstreamNames, [...path, 'upstream'], context);
  const allow =
    input.allow === undefined ? undefined : resolveAllow(input.allow, [...path, 'allow'], context);
  const shared = {
    upstream: input.upstream,
    public: given.public,
    accept: given.public ? [] : accepted(input.accept, path, around.methods, context),
    allow,
    storeDown: given.storeDown,
    passCredential: given.passCredential,
    stripPath: given.stripPath,
    bodyBytes: input.bodyBytes === undefined ? around.bodyBytes : bytes(input.bodyBytes),
    streamIdleMs: milliseconds(given.streamIdle),
    audience: input.audience ?? input.upstream,
    origins: resolveOrigins(given.origins, [...path, 'origins'], context),
  };
  return many(input.host).flatMap((host) =>
    many(given.path).map((prefix) => ({ id: `${host}${prefix}`, host, path: prefix, ...shared })),
  );
}

type PatternCheck = (
  written: string,
) => { readonly fault: string; readonly hint: string | undefined } | undefined;

function checkPatterns(
  written: string | readonly string[],
  check: PatternCheck,
  path: KeyPath,
  context: ResolveContext,
): void {
  for (const [i, one] of many(written).entries()) {
    const found = check(one);
    if (found !== undefined)
      context.error(typeof written === 'string' ? path : [...path, i], found.fault, found.hint);
  }
}

/** Most names that a misspelt one is compared with, so that a large file with many slips is still checked at once. */
const MAX_COMPARED = 500;

/** Keys that only matter once somebody was asked who they are. */
const IDENTITY_KEYS = ['allow', 'accept', 'storeDown', 'audience'] as const;

/** Notes keys that would do nothing: who wrote them expects something else than what would happen. */
function checkEffects(input: RouteInput, path: KeyPath, context: ResolveContext): void {
  if (input.public === true) {
    for (const key of IDENTITY_KEYS) {
      if (input[key] !== undefined)
        context.error([...path, key], 'has no effect on a public route', `remove ${key}, or public`);
    }
  } else if (input.allow === undefined) {
    context.warn(
      path,
      'admits nobody: it has neither allow nor public',
      'write allow: authenticated, or public: true',
    );
  }
  if (input.stripPath === true && many(input.path ?? '/').every((prefix) => prefix === '/')) {
    context.error([...path, 'stripPath'], 'has no effect on the path /', 'remove it');
  }
}

function checkUpstream(
  reference: string,
  names: ReadonlySet<string>,
  path: KeyPath,
  context: ResolveContext,
): void {
  if (reference === WHOAMI || names.has(reference)) return;
  if (reference.includes(':')) {
    const target = parseTarget(reference);
    if ('fault' in target) context.error(path, target.fault, target.hint);
    return;
  }
  const meant = names.size > MAX_COMPARED ? undefined : closest(reference, names);
  const known = names.size === 0 ? 'none is configured' : `known: ${[...names].slice(0, 10).join(', ')}`;
  context.error(
    path,
    `there is no upstream ${JSON.stringify(reference)}`,
    meant === undefined ? known : `did you mean ${meant}?`,
  );
}

function accepted(
  written: readonly MethodName[] | undefined,
  path: KeyPath,
  methods: readonly MethodName[],
  context: ResolveContext,
): readonly MethodName[] {
  if (written === undefined) return methods;
  for (const [i, name] of written.entries()) {
    if (!methods.includes(name))
      context.error(
        [...path, 'accept', i],
        `authenticate does not configure ${name}`,
        `add ${name} under authenticate`,
      );
    if (written.indexOf(name) < i) context.error([...path, 'accept', i], `${name} is listed twice`);
  }
  return written;
}

function resolveOrigins(
  written: 'same' | 'any' | readonly string[],
  path: KeyPath,
  context: ResolveContext,
): RouteConfig['origins'] {
  if (written === 'same' || written === 'any') return written;
  return written.flatMap((one, i) => {
    const origin = parseOrigin(one);
    if (origin !== undefined) return [origin];
    context.error(
      [...path, i],
      `is not an origin: ${JSON.stringify(one)}`,
      'write it like https://app.example.com',
    );
    return [];
  });
}
