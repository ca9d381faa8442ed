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
import { RouteCertificatesSchema, resolveRouteCertificates } from './route-certificates.ts';
import { WHOAMI } from './upstreams.ts';
import { bytes, duration, durationOrOff, many, milliseconds, oneOrMany, sizeOrOff, text } from './value.ts';

const DEFAULTS = {
  path: '/',
  public: false,
  storeDown: 'grace',
  passCredential: false,
  stripPath: false,
  streamIdle: '1h',
  origins: 'same',
  secondFactor: 'not-asked',
  signIn: 'auto',
} as const;

const AcceptSchema = Type.Array(Type.Enum(['token', 'apiKey', 'basic', 'session', 'oidc', 'certificate']), {
  description:
    'Methods in the order in which they are asked; default `token`, and `apiKey`, `basic` and `session` where they are configured, `certificate` last. `oidc` takes only sessions that a provider vouches for. Tokens of the gateway itself need no issuer.',
  minItems: 1,
  examples: [['token', 'basic']],
});

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
    clientCertificate: Type.Optional(RouteCertificatesSchema),
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
      durationOrOff({
        description: 'Longest silence of a WebSocket or an event stream.',
        default: DEFAULTS.streamIdle,
      }),
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
          description:
            'Pages that may open a WebSocket, or change something with the session cookie: `same` host, `any`, or a list of origins.',
          default: DEFAULTS.origins,
          examples: [['https://app.example.com']],
        },
      ),
    ),
    secondFactor: Type.Optional(
      Type.Enum(['required', 'not-asked'], {
        description: 'Whether the session must have shown a second factor.',
        default: DEFAULTS.secondFactor,
      }),
    ),
    maxAge: Type.Optional(
      duration({
        description: 'Longest time since a person signed in; after it they are asked to sign in again.',
        examples: ['15m'],
        long: true,
      }),
    ),
    cors: Type.Optional(
      Type.Array(Type.String({ minLength: 1, maxLength: 4096 }), {
        description:
          'Origins whose pages may read the answers that the gateway itself makes, preflights included, and may use the session cookie.',
        minItems: 1,
        examples: [['https://app.example.com']],
      }),
    ),
    signIn: Type.Optional(
      Type.Enum(['auto', 'redirect', 'refuse'], {
        description:
          'What somebody unknown gets: `auto` sends pages to the sign-in and gives programs a 401, `redirect` and `refuse` do not tell them apart.',
        default: DEFAULTS.signIn,
      }),
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
  /** All entries of `authenticate.certificate` that are written. */
  readonly certificateNames: ReadonlySet<string>;
  /** Limit of the body where the route sets none. */
  readonly bodyBytes: number;
  /** Age of the last sign-in that sessions may have. */
  readonly reauthMs: number;
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
    clientCertificate: resolveRouteCertificates(
      input.clientCertificate,
      around.certificateNames,
      [...path, 'clientCertificate'],
      context,
    ),
    allow,
    storeDown: given.storeDown,
    passCredential: given.passCredential,
    stripPath: given.stripPath,
    bodyBytes: input.bodyBytes === undefined ? around.bodyBytes : bytes(input.bodyBytes),
    streamIdleMs: milliseconds(given.streamIdle),
    audience: input.audience ?? input.upstream,
    origins: resolveOrigins(given.origins, [...path, 'origins'], context),
    secondFactor: given.secondFactor,
    maxAgeMs: input.maxAge === undefined ? undefined : milliseconds(input.maxAge),
    reauthMs: around.reauthMs,
    cors: input.cors === undefined ? [] : originList(input.cors, [...path, 'cors'], context),
    signIn: given.signIn,
  };
  checkPerson(shared, path, context);
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
const IDENTITY_KEYS = [
  'allow',
  'accept',
  'storeDown',
  'audience',
  'secondFactor',
  'maxAge',
  'cors',
  'signIn',
] as const;

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
  // Every session of a provider is a session: nobody who has one is refused for the want of `oidc`.
  if (written === undefined) return methods.filter((name) => name !== 'oidc');
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
  return written === 'same' || written === 'any' ? written : originList(written, path, context);
}

/** Notes what no caller of the route could ever meet. */
function checkPerson(
  { accept, secondFactor }: Pick<RouteConfig, 'accept' | 'secondFactor'>,
  path: KeyPath,
  context: ResolveContext,
): void {
  if (secondFactor !== 'required' || accept.includes('session') || accept.includes('oidc')) return;
  const hint = 'configure authenticate.session, and name session under accept where that is written';
  context.error([...path, 'secondFactor'], 'only a session can show a second factor', hint);
}

function originList(written: readonly string[], path: KeyPath, context: ResolveContext): readonly string[] {
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
