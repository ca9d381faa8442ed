import { type Static, Type } from 'typebox';
import type { Secret } from '../../lib/secret.ts';
import type { TokenIssuerConfig } from '../config.ts';
import { isLoopback } from '../endpoint.ts';
import type { KeyPath } from '../key-path.ts';
import type { ResolveContext } from '../resolve-context.ts';
import {
  anyTextList,
  duration,
  durationOrOff,
  many,
  milliseconds,
  oneOrMany,
  secretReference,
  text,
} from './value.ts';

const DEFAULTS = {
  user: 'sub',
  groups: 'groups',
  email: 'email',
  clockTolerance: '30s',
  requiredClaims: [],
  session: 'optional',
} as const;

/** Least length of an HMAC key per algorithm, bytes: the length of the hash (RFC 7518 §3.2). */
const HMAC_BYTES: Readonly<Record<string, number>> = { HS256: 32, HS384: 48, HS512: 64 };

const ASYMMETRIC = [
  'RS256',
  'RS384',
  'RS512',
  'PS256',
  'PS384',
  'PS512',
  'ES256',
  'ES384',
  'ES512',
  'EdDSA',
  'Ed25519',
];

const KeySchema = Type.Object(
  {
    file: Type.Optional(
      text({ description: 'Public key of the issuer: PEM, JWK or JWKS.', examples: ['certs/issuer.pub'] }),
    ),
    secret: Type.Optional(secretReference({ description: 'Shared secret of HS* algorithms.' })),
  },
  {
    description: 'Key of the issuer, when it publishes none.',
    additionalProperties: false,
    minProperties: 1,
    maxProperties: 1,
    secret: true,
  },
);

/** One issuer whose tokens are accepted. */
export const TokenIssuerSchema = Type.Object(
  {
    issuer: text({
      description: 'Value of `iss`, compared character by character.',
      examples: ['https://id.example.com/'],
    }),
    audience: oneOrMany({
      description: 'Values of `aud` of which the token must name one.',
      examples: ['gateway'],
    }),
    algorithms: Type.Array(Type.Enum([...ASYMMETRIC, ...Object.keys(HMAC_BYTES)]), {
      description: `Signature algorithms that are accepted: ${[...ASYMMETRIC, ...Object.keys(HMAC_BYTES)].join(', ')}.`,
      minItems: 1,
      examples: [['RS256']],
    }),
    jwks: Type.Optional(
      text({
        description: 'URL of the published keys; https, or http on loopback.',
        examples: ['https://id.example.com/jwks.json'],
      }),
    ),
    ca: Type.Optional(text({ description: 'PEM file of the CAs that replace the system’s for `jwks`.' })),
    key: Type.Optional(KeySchema),
    user: Type.Optional(text({ description: 'Claim path of the user name.', default: DEFAULTS.user })),
    groups: Type.Optional(
      text({
        description: 'Claim path of the groups.',
        default: DEFAULTS.groups,
        examples: ['realm_access.roles'],
      }),
    ),
    email: Type.Optional(text({ description: 'Claim path of the email address.', default: DEFAULTS.email })),
    typ: Type.Optional(text({ description: 'Demanded `typ` of the header.', examples: ['at+jwt'] })),
    clockTolerance: Type.Optional(
      durationOrOff({
        description: 'How far the clocks of issuer and gateway may differ.',
        default: DEFAULTS.clockTolerance,
      }),
    ),
    maxAge: Type.Optional(
      duration({ description: 'Greatest age since `iat`.', long: true, examples: ['1h'] }),
    ),
    requiredClaims: Type.Optional(anyTextList({ description: 'Claims that must be there.', default: [] })),
    session: Type.Optional(
      Type.Enum(['required', 'optional'], {
        description: '`required`: `sid` must be a live session of the state.',
        default: DEFAULTS.session,
      }),
    ),
  },
  { additionalProperties: false },
);

/** Gives one issuer of the right shape resolved, or `undefined` when it is wrong; problems go to the context. */
export function resolveTokenIssuer(
  input: Static<typeof TokenIssuerSchema>,
  path: KeyPath,
  context: ResolveContext,
): TokenIssuerConfig | undefined {
  const given = { ...DEFAULTS, ...input };
  const keys = issuerKeys(input, path, context);
  if (keys === undefined) return undefined;
  return {
    issuer: given.issuer,
    audience: many(given.audience),
    algorithms: given.algorithms,
    keys,
    user: given.user,
    groups: given.groups,
    email: given.email,
    typ: input.typ,
    clockToleranceSec: Math.ceil(milliseconds(given.clockTolerance) / 1000),
    maxAgeSec: input.maxAge === undefined ? undefined : Math.ceil(milliseconds(input.maxAge) / 1000),
    requiredClaims: given.requiredClaims,
    session: given.session,
  };
}

function issuerKeys(
  input: Static<typeof TokenIssuerSchema>,
  path: KeyPath,
  context: ResolveContext,
): TokenIssuerConfig['keys'] | undefined {
  const source = context.only(input, ['jwks', 'key'], path);
  if (source === undefined) return undefined;
  if (source !== 'jwks' && input.ca !== undefined)
    context.error([...path, 'ca'], 'has no effect without jwks', 'remove it');
  if (source === 'jwks') {
    checkAlgorithms(input.algorithms, false, path, context);
    const ca = input.ca === undefined ? undefined : context.existing(input.ca, [...path, 'ca']);
    const url = jwksUrl(input.jwks ?? '', [...path, 'jwks'], context);
    return url === undefined ? undefined : { kind: 'jwks', url, ca };
  }
  const key = input.key ?? {};
  const keyPath: KeyPath = [...path, 'key'];
  const kind = context.only(key, ['file', 'secret'], keyPath);
  if (kind === undefined) return undefined;
  checkAlgorithms(input.algorithms, kind === 'secret', path, context);
  if (kind === 'file') return { kind, path: context.existing(key.file ?? '', [...keyPath, 'file']) };
  const secret = context.secret(key.secret ?? {}, [...keyPath, 'secret']);
  if (secret === undefined) return undefined;
  checkSecretLength(secret, input.algorithms, keyPath, context);
  return { kind, secret };
}

/** Security: a public key taken for an HMAC secret lets anybody sign (algorithm confusion, RFC 8725 §2.1). */
function checkAlgorithms(
  algorithms: readonly string[],
  shared: boolean,
  path: KeyPath,
  context: ResolveContext,
): void {
  for (const [i, name] of algorithms.entries()) {
    const at = [...path, 'algorithms', i];
    if (name in HMAC_BYTES && !shared)
      context.error(
        at,
        `${name} needs a shared secret`,
        'write key: { secret: { env: NAME } }, or another algorithm',
      );
    if (!(name in HMAC_BYTES) && shared)
      context.error(
        at,
        `${name} needs a public key, not a shared secret`,
        'write key: { file: PATH } or jwks',
      );
    if (algorithms.indexOf(name) < i) context.error(at, `${name} is listed twice`);
  }
}

function checkSecretLength(
  secret: Secret,
  algorithms: readonly string[],
  path: KeyPath,
  context: ResolveContext,
): void {
  const length = Buffer.byteLength(secret.reveal());
  for (const name of algorithms) {
    const least = HMAC_BYTES[name] ?? 0;
    if (length >= least) continue;
    context.error(
      [...path, 'secret'],
      `is too short for ${name}: at least ${least} bytes are needed`,
      'openssl rand -base64 64',
    );
    return;
  }
}

function jwksUrl(written: string, path: KeyPath, context: ResolveContext): string | undefined {
  const url = URL.parse(written);
  if (url === null || !/^https?:$/.test(url.protocol))
    return context.error(path, 'is not an http or https URL');
  if (url.username !== '' || url.password !== '')
    return context.error(path, 'must not hold a user or password');
  if (url.protocol === 'http:' && !isLoopback(url.hostname.replace(/[[\]]/g, ''))) {
    return context.error(path, 'keys fetched over http can be replaced on the way', 'write https');
  }
  return url.href;
}
