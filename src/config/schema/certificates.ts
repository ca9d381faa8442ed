import { isIP } from 'node:net';
import { type Static, Type } from 'typebox';
import { canonicalHost } from '../../lib/canonical-host.ts';
import type { CertificateConfig } from '../config.ts';
import type { KeyPath, Placed } from '../key-path.ts';
import type { ResolveContext } from '../resolve-context.ts';
import { AcmeSchema, resolveAcme } from './acme.ts';
import { tlsPreset } from './listen.ts';
import { secretReference, text, textList } from './value.ts';

/** What a certificate or an upstream may be called. */
export const NAME_PATTERN = '^[A-Za-z0-9][A-Za-z0-9._-]{0,99}$';

/** Hint for a text that is no name. */
export const NAME_HINT = 'letters, digits, dot, dash and underscore, up to 100, a letter or digit first';

const DevSchema = Type.Object(
  {
    names: textList({
      description: 'Host names and addresses; `*.` stands for one label.',
      examples: [['localhost', '*.localhost']],
    }),
    keyType: Type.Optional(
      Type.Enum(['ecdsa', 'rsa'], { description: 'Kind of its key.', default: 'ecdsa' }),
    ),
  },
  { description: 'Signed by the dev CA, made on first start.', additionalProperties: false },
);

const FilesSchema = Type.Object(
  {
    certificate: text({
      description: 'PEM file of the certificate and its chain.',
      examples: ['certs/site.crt'],
    }),
    key: text({ description: 'PEM file of the private key.', examples: ['certs/site.key'] }),
    passphrase: Type.Optional(secretReference({ description: 'Passphrase of the key.' })),
  },
  { description: 'Read from files; read again when they change.', additionalProperties: false },
);

const CertificateSchema = Type.Object(
  {
    name: Type.Optional(
      text({
        description: 'Name under which the admin API rotates it; one with `names` takes the first of them.',
        pattern: NAME_PATTERN,
        patternHint: NAME_HINT,
        examples: ['site'],
      }),
    ),
    tls: Type.Optional(tlsPreset('TLS preset of connections that use it; default `listen.tls`.')),
    dev: Type.Optional(DevSchema),
    files: Type.Optional(FilesSchema),
    uploaded: Type.Optional(
      Type.Literal(true, { description: 'Comes only from the admin API and is kept in the state.' }),
    ),
    acme: Type.Optional(AcmeSchema),
  },
  { additionalProperties: false },
);

/** Section `certificates`: what the gateway proves itself with, each from exactly one source. */
export const CertificatesSchema = Type.Array(CertificateSchema, {
  description:
    'What the gateway proves itself with; each has exactly one of `dev`, `files`, `acme` and `uploaded`.',
  default: [],
});

/** Gives the certificates whose entries are sound, each with its place; problems go to the context. */
export function resolveCertificates(input: unknown, context: ResolveContext): Placed<CertificateConfig>[] {
  context.accepts(CertificatesSchema, input, ['certificates']);
  if (!Array.isArray(input)) return [];
  return input.flatMap((item: unknown, i) => {
    const path: KeyPath = ['certificates', i];
    const value = context.isSound(CertificateSchema, item) ? resolveOne(item, path, context) : undefined;
    return value === undefined ? [] : [{ path, value }];
  });
}

function resolveOne(
  input: Static<typeof CertificateSchema>,
  path: KeyPath,
  context: ResolveContext,
): CertificateConfig | undefined {
  const kind = context.only(input, ['dev', 'files', 'acme', 'uploaded'], path);
  const name = input.name ?? (input.dev ?? input.acme)?.names[0]?.replace(/^\*\./, '');
  if (name === undefined)
    return context.error([...path, 'name'], 'is missing', 'the name under which the admin API rotates it');
  if (!new RegExp(NAME_PATTERN).test(name))
    return context.error(
      [...path, 'name'],
      'is missing',
      `${JSON.stringify(name)} cannot be its name: ${NAME_HINT}`,
    );
  if (kind === undefined) return undefined;
  const from = source(input, path, context);
  return from === undefined ? undefined : { name, tls: input.tls, source: from };
}

function source(
  input: Static<typeof CertificateSchema>,
  path: KeyPath,
  context: ResolveContext,
): CertificateConfig['source'] | undefined {
  const { dev, files, acme } = input;
  if (acme !== undefined) return resolveAcme(acme, [...path, 'acme'], context);
  if (dev !== undefined) {
    for (const [i, name] of dev.names.entries()) checkDevName(name, [...path, 'dev', 'names', i], context);
    return { kind: 'dev', names: dev.names, keyType: dev.keyType ?? 'ecdsa' };
  }
  if (files === undefined) return { kind: 'uploaded' };
  const inner = [...path, 'files'];
  return {
    kind: 'files',
    // Whoever serves them looks at them, more cheaply than by a reload.
    certificate: context.readable(files.certificate, [...inner, 'certificate']),
    key: context.readable(files.key, [...inner, 'key']),
    passphrase:
      files.passphrase === undefined ? undefined : context.secret(files.passphrase, [...inner, 'passphrase']),
  };
}

function checkDevName(name: string, path: KeyPath, context: ResolveContext): void {
  if (isIP(name) !== 0) return;
  const host = name.replace(/^\*\./, '');
  const canonical = canonicalHost(host);
  if (canonical === host && !host.startsWith('[')) return;
  const hint =
    canonical === undefined
      ? 'a lower-case host name, `*.` and a host name, or an address'
      : `write ${canonical.replace(/[[\]]/g, '')}`;
  context.error(path, `is not a host name: ${JSON.stringify(name)}`, hint);
}
