import { isIP } from 'node:net';
import { type Static, Type } from 'typebox';
import { canonicalHost } from '../../lib/canonical-host.ts';
import type { AcmeSourceConfig } from '../config.ts';
import type { KeyPath } from '../key-path.ts';
import type { ResolveContext } from '../resolve-context.ts';
import { many, oneOrMany, secretReference, text, textList } from './value.ts';

const DEFAULTS = { challenge: 'http-01', keyType: 'ecdsa' } as const;
/** As many as public CAs take in one certificate. */
const MOST_NAMES = 100;

/** A certificate that is ordered from an ACME server. */
export const AcmeSchema = Type.Object(
  {
    names: textList({
      description: 'Host names; `*.` stands for one label and needs `dns-01`.',
      examples: [['a.example.com']],
    }),
    email: Type.Optional(
      text({ description: 'Contact of the account at the CA.', examples: ['ops@example.com'] }),
    ),
    directory: oneOrMany({
      description:
        'Address of the CA’s directory, https; of several, the first that fills an order. Writing it agrees to the CA’s terms.',
      examples: ['https://acme-v02.api.letsencrypt.org/directory'],
    }),
    trust: Type.Optional(
      text({ description: 'PEM file of the CAs that replace the system’s for a private ACME server.' }),
    ),
    challenge: Type.Optional(
      Type.Enum(['http-01', 'tls-alpn-01', 'dns-01'], {
        description:
          'How the names are proven: on port 80 (`listen.http`), on port 443 (`listen.https`), or by a TXT record that `hook` sets.',
        default: DEFAULTS.challenge,
      }),
    ),
    hook: Type.Optional(
      oneOrMany({
        description:
          'Program, absolute path, and its arguments; called without a shell with `present` or `cleanup`, the record’s name and its value added, also as ACME_ACTION, ACME_RECORD and ACME_VALUE. Of the environment it gets PATH and HOME. It ends with 0 when the CA can see the record.',
        examples: [['/etc/sallyport/set-txt', '--zone', 'example.com']],
      }),
    ),
    eab: Type.Optional(
      Type.Object(
        {
          kid: text({ description: 'Key identifier from the CA.' }),
          key: secretReference({ description: 'HMAC key from the CA, base64url.' }),
        },
        {
          description: 'Account at the CA’s operator (external account binding).',
          additionalProperties: false,
        },
      ),
    ),
    keyType: Type.Optional(
      Type.Enum(['ecdsa', 'rsa'], {
        description: 'Kind of its key, new with each order.',
        default: DEFAULTS.keyType,
      }),
    ),
    onDemand: Type.Optional(
      Type.Object(
        {
          allow: textList({
            description:
              'Suffixes: a host below one that a route serves gets a certificate of its own when a client first asks for it; at most 20 new ones an hour for each entry.',
            examples: [['apps.example.com']],
          }),
        },
        { description: 'Certificates for hosts that are not listed.', additionalProperties: false },
      ),
    ),
  },
  {
    description:
      'Ordered from an ACME server and renewed in time; kept in the state, one order for all processes.',
    additionalProperties: false,
  },
);

/** Gives the order resolved; problems go to the context. @returns `undefined` when it cannot be used at all */
export function resolveAcme(
  input: Static<typeof AcmeSchema>,
  path: KeyPath,
  context: ResolveContext,
): AcmeSourceConfig | undefined {
  const { names, email, trust, challenge = DEFAULTS.challenge, keyType = DEFAULTS.keyType } = input;
  checkNames(names, challenge, [...path, 'names'], context);
  const directories = many(input.directory);
  for (const url of directories) checkDirectory(url, [...path, 'directory'], context);
  if (email !== undefined && !/^[^\s@,?]+@[^\s@,?]+$/.test(email))
    context.error([...path, 'email'], 'is not one email address');
  const onDemand = input.onDemand?.allow ?? [];
  for (const [i, suffix] of onDemand.entries()) {
    if (isHost(suffix)) continue;
    context.error([...path, 'onDemand', 'allow', i], 'is not a host name', 'apps.example.com, without `*.`');
  }
  const eabKey = input.eab === undefined ? undefined : context.secret(input.eab.key, [...path, 'eab', 'key']);
  if (eabKey !== undefined && !/^[A-Za-z0-9_-]{16,}={0,2}$/.test(eabKey.reveal()))
    context.error([...path, 'eab', 'key'], 'is not base64url', 'as the CA gave it');
  return {
    kind: 'acme',
    names,
    email,
    directories,
    trust: trust === undefined ? undefined : context.existing(trust, [...path, 'trust']),
    challenge,
    hook: resolveHook(input, path, context),
    eab: input.eab === undefined || eabKey === undefined ? undefined : { kid: input.eab.kid, key: eabKey },
    keyType,
    onDemand,
  };
}

function checkNames(
  names: readonly string[],
  challenge: string,
  path: KeyPath,
  context: ResolveContext,
): void {
  if (names.length > MOST_NAMES)
    context.error(path, `has more than ${MOST_NAMES} names`, 'write two certificates');
  for (const [i, name] of names.entries()) {
    const wildcard = name.startsWith('*.');
    if (!isHost(wildcard ? name.slice(2) : name)) {
      context.error([...path, i], `is not a host name: ${JSON.stringify(name)}`, 'lower-case, no address');
    } else if (wildcard && challenge !== 'dns-01') {
      context.error(
        [...path, i],
        'is a wildcard, which only dns-01 can prove',
        'set challenge: dns-01 and hook',
      );
    }
  }
  if (new Set(names).size < names.length) context.error(path, 'names a host twice');
}

function isHost(name: string): boolean {
  return isIP(name) === 0 && canonicalHost(name) === name && !/[[_]/.test(name);
}

/** Security: the address is not repeated, as it may hold a password. */
function checkDirectory(url: string, path: KeyPath, context: ResolveContext): void {
  const parsed = URL.canParse(url) ? new URL(url) : undefined;
  if (parsed?.protocol === 'https:' && parsed.username === '' && parsed.password === '') return;
  context.error(path, 'must be https, without user and password');
}

function resolveHook(
  { hook, challenge }: Static<typeof AcmeSchema>,
  path: KeyPath,
  context: ResolveContext,
): readonly string[] {
  const command = hook === undefined ? [] : many(hook);
  const wanted = challenge === 'dns-01';
  if (wanted && hook === undefined)
    context.error(path, 'needs hook for dns-01', 'the command that sets the TXT record');
  if (!wanted && hook !== undefined) context.error([...path, 'hook'], 'has no effect', 'only dns-01 uses it');
  const [program] = command;
  if (program !== undefined && !program.startsWith('/'))
    context.error(
      [...path, 'hook'],
      'must begin with an absolute path',
      'arguments are further entries of a list',
    );
  return command;
}
