import { Type } from 'typebox';
import type { MethodName } from '../../exchange.ts';
import { isMapping } from '../check-shape.ts';
import type {
  AuthenticateConfig,
  BasicConfig,
  ClientCertificateConfig,
  SessionConfig,
  TokenIssuerConfig,
} from '../config.ts';
import type { KeyPath, Placed } from '../key-path.ts';
import type { ResolveContext } from '../resolve-context.ts';
import { ClientCertificateSchema, resolveClientCertificates } from './client-certificates.ts';
import { OidcProviderSchema, resolveOidc } from './oidc.ts';
import { resolveTokenIssuer, TokenIssuerSchema } from './token.ts';
import { count, duration, durationOrOff, milliseconds, text } from './value.ts';

const SESSION = { idle: '30m', absolute: '12h', reauth: 0 } as const;
const API_KEY = { maxLife: '365d', confirm: '30d' } as const;
const CACHE = { ttl: '5m', entries: 50_000 } as const;
const GRACE = '15m';

const BasicSchema = Type.Object(
  {
    realm: Type.Optional(
      text({
        description: 'Name that the browser shows beside its password prompt.',
        default: 'Internal',
        pattern: '^[ !#-\\[\\]-~]*$',
        patternHint: 'printable ASCII without quotes and backslashes',
      }),
    ),
    htpasswd: Type.Optional(
      text({
        description: 'htpasswd file whose users are imported on start.',
        examples: ['certs/users.htpasswd'],
      }),
    ),
  },
  {
    description: 'User name and password, checked against the accounts of the state.',
    additionalProperties: false,
  },
);

const SessionSchema = Type.Object(
  {
    idle: Type.Optional(
      duration({
        description: 'Longest silence after which a session ends.',
        default: SESSION.idle,
        long: true,
      }),
    ),
    absolute: Type.Optional(
      duration({ description: 'Longest life of a session.', default: SESSION.absolute, long: true }),
    ),
    reauth: Type.Optional(
      durationOrOff({
        description:
          'Age of the last sign-in after which a session goes on only after another one; 0: never.',
        default: SESSION.reauth,
      }),
    ),
  },
  {
    description: 'People sign in with a browser and get a session cookie; the ages of all sessions.',
    additionalProperties: false,
  },
);

const ApiKeySchema = Type.Object(
  {
    maxLife: Type.Optional(
      durationOrOff({
        description: 'Longest life of an app password; 0: one may live for ever.',
        default: API_KEY.maxLife,
        long: true,
      }),
    ),
    confirm: Type.Optional(
      durationOrOff({
        description:
          'How long an app password works after its owner last signed in at a provider, who alone knows when they are gone; 0: until it ends.',
        default: API_KEY.confirm,
        long: true,
      }),
    ),
  },
  {
    description: 'App passwords: keys for programs, as Bearer token, Basic password or `X-Api-Key`.',
    additionalProperties: false,
  },
);

const CacheSchema = Type.Object(
  {
    ttl: Type.Optional(
      duration({
        description: 'Longest trust in a verified credential without asking the state again.',
        default: CACHE.ttl,
      }),
    ),
    entries: Type.Optional(
      count({ description: 'Most verified credentials kept per process.', default: CACHE.entries, least: 1 }),
    ),
  },
  {
    description: 'Verified credentials that each process remembers; revocations reach it at once.',
    additionalProperties: false,
  },
);

/** Section `authenticate`: how callers prove who they are. */
export const AuthenticateSchema = Type.Object(
  {
    token: Type.Optional(
      Type.Array(TokenIssuerSchema, { description: 'Issuers of JWT bearer tokens.', minItems: 1 }),
    ),
    basic: Type.Optional(BasicSchema),
    session: Type.Optional(SessionSchema),
    oidc: Type.Optional(
      Type.Array(OidcProviderSchema, {
        description: 'OpenID providers with which people sign in; needs `session`.',
        minItems: 1,
      }),
    ),
    apiKey: Type.Optional(ApiKeySchema),
    certificate: Type.Optional(
      Type.Array(ClientCertificateSchema, {
        description: 'Certificates that clients of some hosts or routes are asked for (mutual TLS).',
        minItems: 1,
      }),
    ),
    cache: Type.Optional(CacheSchema),
    grace: Type.Optional(
      duration({
        description:
          'How long identities verified before the state went away are trusted under `storeDown: grace`.',
        default: GRACE,
      }),
    ),
  },
  {
    description: 'How callers prove who they are.',
    additionalProperties: false,
  },
);

/** Section `authenticate` resolved, and where each issuer and each entry of `certificate` stands. */
export interface ResolvedAuthenticate {
  /** `undefined` when the shape of the section is wrong. */
  readonly config: AuthenticateConfig | undefined;
  readonly issuers: readonly Placed<TokenIssuerConfig>[];
  readonly clientCertificates: readonly Placed<ClientCertificateConfig>[];
}

/** In the order in which a route asks them by default. */
const SWITCHED: readonly MethodName[] = ['apiKey', 'basic', 'session', 'oidc', 'certificate'];

/**
 * Gives the methods that a document configures, in the order in which a route asks them by default.
 *
 * `token` is always among them: the gateway itself issues session-bound tokens.
 */
export function configuredMethods(input: unknown): readonly MethodName[] {
  return ['token', ...SWITCHED.filter((name) => isMapping(input) && Object.hasOwn(input, name))];
}

/** Gives the section resolved, as far as it is sound; problems go to the context. */
export function resolveAuthenticate(input: unknown, context: ResolveContext): ResolvedAuthenticate {
  const path: KeyPath = ['authenticate'];
  const sound = context.accepts(AuthenticateSchema, input, path);
  const issuers = resolveIssuers(isMapping(input) ? input.token : undefined, context);
  const oidc = isMapping(input) ? resolveOidc(input, context) : [];
  const clientCertificates = resolveClientCertificates(
    isMapping(input) ? input.certificate : undefined,
    context,
  );
  if (!sound) return { config: undefined, issuers, clientCertificates };
  const basic: BasicConfig | undefined =
    input.basic === undefined
      ? undefined
      : {
          realm: input.basic.realm ?? 'Internal',
          htpasswd:
            input.basic.htpasswd === undefined
              ? undefined
              : context.existing(input.basic.htpasswd, [...path, 'basic', 'htpasswd']),
        };
  const cache = { ...CACHE, ...input.cache };
  const config: AuthenticateConfig = {
    token: issuers.map((issuer) => issuer.value),
    basic,
    session: resolveSession({ ...SESSION, ...input.session }, [...path, 'session'], context),
    signIn: input.session !== undefined,
    oidc,
    certificate: clientCertificates.map((entry) => entry.value),
    apiKey: input.apiKey && {
      maxLifeMs: milliseconds(input.apiKey.maxLife ?? API_KEY.maxLife),
      confirmMs: milliseconds(input.apiKey.confirm ?? API_KEY.confirm),
    },
    cacheMs: milliseconds(cache.ttl),
    cacheEntries: cache.entries,
    graceMs: milliseconds(input.grace ?? GRACE),
  };
  return { config, issuers, clientCertificates };
}

function resolveIssuers(items: unknown, context: ResolveContext): Placed<TokenIssuerConfig>[] {
  if (!Array.isArray(items)) return [];
  return items.flatMap((item: unknown, i) => {
    const path: KeyPath = ['authenticate', 'token', i];
    const value = context.isSound(TokenIssuerSchema, item)
      ? resolveTokenIssuer(item, path, context)
      : undefined;
    return value === undefined ? [] : [{ path, value }];
  });
}

function resolveSession(
  given: { readonly idle: string; readonly absolute: string; readonly reauth: string | 0 },
  path: KeyPath,
  context: ResolveContext,
): SessionConfig {
  const session = {
    idleMs: milliseconds(given.idle),
    absoluteMs: milliseconds(given.absolute),
    reauthMs: milliseconds(given.reauth),
  };
  if (session.idleMs > session.absoluteMs)
    context.error(path, 'idle is longer than absolute', 'it would have no effect');
  if (session.reauthMs > session.absoluteMs)
    context.error(path, 'reauth is longer than absolute', 'it would have no effect');
  return session;
}
