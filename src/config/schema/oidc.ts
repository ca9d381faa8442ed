import { type Static, Type } from 'typebox';
import { canonicalHost } from '../../lib/canonical-host.ts';
import type { OidcProviderConfig } from '../config.ts';
import { isLoopback } from '../endpoint.ts';
import type { KeyPath } from '../key-path.ts';
import type { ResolveContext } from '../resolve-context.ts';
import { anyTextList, durationOrOff, milliseconds, secretReference, text } from './value.ts';

const DEFAULTS = {
  scopes: ['openid', 'profile', 'email'],
  user: 'sub',
  groups: 'groups',
  email: 'email',
  allowedEmailDomains: [],
  refresh: '5m',
  logout: 'provider',
} as const;

/** One OpenID provider. */
export const OidcProviderSchema = Type.Object(
  {
    name: text({
      description:
        'Short name. To register: `/.sallyport/callback/<name>` for sign-ins, `/.sallyport/backchannel-logout/<name>` for back-channel logout.',
      pattern: '^[a-z0-9](?:[a-z0-9-]{0,30}[a-z0-9])?$',
      patternHint: 'lower-case letters, digits and hyphens, at most 32',
      examples: ['corp'],
    }),
    issuer: text({
      description: 'Address of the provider, as in its metadata; https, or http on loopback.',
      examples: ['https://id.example.com'],
    }),
    clientId: text({ description: 'Name under which the gateway is registered.', examples: ['sallyport'] }),
    clientSecret: Type.Optional(
      secretReference({ description: 'Secret of the client; without it the client is a public one.' }),
    ),
    scopes: Type.Optional(
      anyTextList({
        description:
          'What is asked for; `openid` has to be there. With `offline_access` most providers give a refresh token.',
        default: DEFAULTS.scopes,
      }),
    ),
    user: Type.Optional(
      text({
        description:
          'Claim path of the user name. `sub` never changes hands; users of two providers with one name are one user, and nobody comes in under the name of an account. An email address has to be a verified one.',
        default: DEFAULTS.user,
        examples: ['preferred_username'],
      }),
    ),
    groups: Type.Optional(
      text({
        description: 'Claim path of the groups, in the ID token or in userinfo.',
        default: DEFAULTS.groups,
        examples: ['realm_access.roles'],
      }),
    ),
    email: Type.Optional(
      text({
        description: 'Claim path of the email address; it counts when `email_verified` beside it says so.',
        default: DEFAULTS.email,
      }),
    ),
    allowedEmailDomains: Type.Optional(
      anyTextList({
        description: 'Domains of verified email addresses that may sign in, compared whole; empty: anybody.',
        default: DEFAULTS.allowedEmailDomains,
        examples: [['example.com']],
      }),
    ),
    displayName: Type.Optional(
      text({
        description: 'Text on the button of the sign-in page; default the name.',
        examples: ['Example Corp'],
      }),
    ),
    ca: Type.Optional(
      text({ description: 'PEM file of the CAs that replace the system’s for this provider.' }),
    ),
    refresh: Type.Optional(
      durationOrOff({
        description:
          'Time after which the provider is asked again about a user whose session is used; 0: never. Needs a refresh token.',
        default: DEFAULTS.refresh,
      }),
    ),
    logout: Type.Optional(
      Type.Enum(['provider', 'local'], {
        description:
          '`provider`: signing out here signs out there, too; `/.sallyport/sign-in` has to be registered.',
        default: DEFAULTS.logout,
      }),
    ),
  },
  { additionalProperties: false },
);

type OidcInput = Static<typeof OidcProviderSchema>;

/** Gives the providers of the right shape resolved; other problems go to the context. */
export function resolveOidc(
  authenticate: Readonly<Record<string, unknown>>,
  context: ResolveContext,
): readonly OidcProviderConfig[] {
  const path: KeyPath = ['authenticate', 'oidc'];
  const { oidc, session } = authenticate;
  if (!Array.isArray(oidc)) return [];
  if (session === undefined)
    context.error(path, 'needs sessions to sign in to', 'add session: {} under authenticate');
  const names = new Set<string>();
  return oidc.flatMap((input: unknown, i) => {
    if (!context.isSound(OidcProviderSchema, input)) return [];
    if (names.has(input.name))
      context.error([...path, i, 'name'], `${JSON.stringify(input.name)} is used twice`);
    names.add(input.name);
    return resolveOne(input, [...path, i], context) ?? [];
  });
}

function resolveOne(
  input: OidcInput,
  path: KeyPath,
  context: ResolveContext,
): OidcProviderConfig | undefined {
  const given = { ...DEFAULTS, ...input };
  const issuer = issuerUrl(input.issuer, [...path, 'issuer'], context);
  checkScopes(given.scopes, [...path, 'scopes'], context);
  const clientSecret =
    input.clientSecret === undefined
      ? undefined
      : context.secret(input.clientSecret, [...path, 'clientSecret']);
  const ca = input.ca === undefined ? undefined : context.existing(input.ca, [...path, 'ca']);
  const allowedEmailDomains = given.allowedEmailDomains.flatMap(
    (domain, i) => domainOf(domain, [...path, 'allowedEmailDomains', i], context) ?? [],
  );
  if (issuer === undefined) return undefined;
  return {
    name: input.name,
    issuer,
    clientId: input.clientId,
    clientSecret,
    scopes: given.scopes,
    user: given.user,
    groups: given.groups,
    email: given.email,
    allowedEmailDomains,
    displayName: input.displayName ?? input.name,
    ca,
    refreshMs: milliseconds(given.refresh),
    logout: given.logout,
  };
}

function checkScopes(scopes: readonly string[], path: KeyPath, context: ResolveContext): void {
  if (!scopes.includes('openid'))
    context.error(path, 'openid is missing', 'without it the provider does not say who signed in');
  for (const [i, scope] of scopes.entries()) {
    // RFC 6749 §3.3
    if (!/^[!#-[\]-~]+$/.test(scope)) context.error([...path, i], 'is not a scope');
  }
}

/** Security: a secret or a code that travels over http can be read on the way. */
function issuerUrl(written: string, path: KeyPath, context: ResolveContext): string | undefined {
  const url = URL.parse(written);
  if (url === null || !/^https?:$/.test(url.protocol)) return context.error(path, 'is not an https URL');
  if (url.username !== '' || url.password !== '')
    return context.error(path, 'must not hold a user or password');
  if (/[?#]/.test(written)) return context.error(path, 'must not hold a query or fragment');
  if (written.includes('/.well-known/'))
    return context.error(path, 'is the address of the metadata', 'write what stands before /.well-known/');
  if (url.protocol === 'http:' && !isLoopback(url.hostname.replace(/[[\]]/g, '')))
    return context.error(path, 'codes and secrets sent over http can be read on the way', 'write https');
  return written;
}

function domainOf(written: string, path: KeyPath, context: ResolveContext): string | undefined {
  const domain = /^[^@*[]+$/.test(written) ? canonicalHost(written) : undefined;
  return (
    domain ??
    context.error(
      path,
      `is not a domain: ${JSON.stringify(written)}`,
      'write it like example.com, without @ and *',
    )
  );
}
