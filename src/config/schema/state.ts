import { type Static, Type } from 'typebox';
import { Secret } from '../../lib/secret.ts';
import type { StateConfig } from '../config.ts';
import type { KeyPath } from '../key-path.ts';
import type { ResolveContext } from '../resolve-context.ts';
import { secretReference, text } from './value.ts';

const DEFAULTS = { url: 'file:data/state.db', keyFile: 'data/state.key' } as const;

const UrlSchema = Type.Union(
  [
    text({ description: 'The URL itself.' }),
    secretReference({ description: 'Where the URL is found, when it holds a password.' }),
  ],
  {
    description:
      '`file:PATH`, `redis://`, `rediss://`, `redis+sentinel://h1,h2/name` or `redis+cluster://h1,h2`.',
    default: DEFAULTS.url,
    secret: true,
  },
);

const StateObject = Type.Object(
  {
    url: Type.Optional(UrlSchema),
    key: Type.Optional(
      secretReference({
        description:
          'Key that seals secrets at rest: 32 bytes as base64 or hex; the same on every machine of a fleet.',
      }),
    ),
    keyFile: Type.Optional(
      text({
        description: 'File of that key when `key` is not given; made on first start.',
        default: DEFAULTS.keyFile,
      }),
    ),
  },
  { additionalProperties: false },
);

/** Section `state`: where sessions, accounts and revocations are kept. */
export const StateSchema = Type.Union([text({ description: 'The URL alone.' }), StateObject], {
  description: 'Where sessions, accounts and revocations are kept: a URL, or a mapping.',
  default: DEFAULTS.url,
  examples: ['file:data/state.db', 'rediss://redis.example.com:6379'],
  secret: true,
});

const SCHEMES = /^(?:redis|rediss|redis\+sentinel|redis\+cluster):\/\/./;

/** Gives the section resolved, or `undefined` when it is wrong; problems go to the context. */
export function resolveState(input: unknown, context: ResolveContext): StateConfig | undefined {
  const path: KeyPath = ['state'];
  if (!context.accepts(StateSchema, input, path)) return undefined;
  const written: Static<typeof StateObject> = typeof input === 'string' ? { url: input } : input;
  const given = { ...DEFAULTS, ...written };
  const urlPath = typeof input === 'string' ? path : [...path, 'url'];
  const raw = typeof given.url === 'string' ? given.url : context.secret(given.url, urlPath)?.reveal();
  const url = raw === undefined ? undefined : stateUrl(raw, urlPath, context);
  const key = given.key === undefined ? undefined : sealKey(given.key, [...path, 'key'], context);
  if (url === undefined) return undefined;
  return { url, key, keyFile: context.absolute(given.keyFile) };
}

function stateUrl(raw: string, path: KeyPath, context: ResolveContext): Secret | undefined {
  if (raw.startsWith('file:')) {
    const file = raw.slice('file:'.length).replace(/^\/\/(?=\/)/, '');
    if (file === '' || file.startsWith('//'))
      return context.error(path, 'names no file', 'write file:data/state.db');
    return new Secret(`file:${context.absolute(file)}`);
  }
  if (SCHEMES.test(raw)) return new Secret(raw);
  return context.error(
    path,
    'is not the URL of a state',
    'file:PATH, redis://, rediss://, redis+sentinel://h1,h2/name or redis+cluster://h1,h2',
  );
}

function sealKey(
  reference: Static<ReturnType<typeof secretReference>>,
  path: KeyPath,
  context: ResolveContext,
) {
  const key = context.secret(reference, path);
  const text = key?.reveal() ?? '';
  const isKey = /^[0-9a-f]{64}$/i.test(text) || /^[A-Za-z0-9+/_-]{43}=?$/.test(text);
  if (key !== undefined && !isKey)
    return context.error(path, 'must give 32 bytes as base64 or hex', 'openssl rand -base64 32');
  return key;
}
