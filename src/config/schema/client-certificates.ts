import { type Static, Type } from 'typebox';
import type { ClientCertificateConfig } from '../config.ts';
import type { KeyPath, Placed } from '../key-path.ts';
import type { ResolveContext } from '../resolve-context.ts';
import { hostFault } from '../route-pattern.ts';
import { NAME_HINT, NAME_PATTERN } from './certificates.ts';
import { anyTextList, text, textList } from './value.ts';

/** One entry of `authenticate.certificate`. */
export const ClientCertificateSchema = Type.Object(
  {
    name: text({
      description: 'How routes and logs call it.',
      pattern: NAME_PATTERN,
      patternHint: NAME_HINT,
      examples: ['devices'],
    }),
    ca: text({
      description: 'PEM file of the authorities whose certificates are accepted; nobody else is.',
      examples: ['certs/devices-ca.crt'],
    }),
    crl: Type.Optional(
      text({
        description:
          'PEM file of revocation lists, one per authority of a chain; one that is missing or out of date refuses everybody below it.',
        examples: ['certs/devices.crl'],
      }),
    ),
    hosts: Type.Optional(
      textList({
        description:
          'Hosts that ask for it: exact, `*.example.com` for one label, or `*`; the most specific entry counts. Hosts with a route that names it under `clientCertificate` ask as well, visitors of others never.',
        examples: [['devices.example.com']],
      }),
    ),
    mode: Type.Optional(
      Type.Enum(['require', 'optional'], {
        description:
          '`require`: on its `hosts` there is no connection without a good certificate of this entry or of one that a route of the host names; a route where it counts lets nobody through without a good certificate of an entry that counts there. `optional`: a route decides with `accept`.',
        default: 'require',
      }),
    ),
    identity: Type.Optional(
      Type.Enum(['subject-cn', 'san-email', 'san-dns', 'san-uri', 'fingerprint'], {
        description:
          'What of the certificate is the user; it must be there exactly once. `fingerprint`: SHA-256 in lower-case hex.',
        default: 'subject-cn',
      }),
    ),
    users: Type.Optional(
      Type.Record(Type.String(), Type.String({ minLength: 1, maxLength: 256 }), {
        description:
          'Identity, or SHA-256 fingerprint, to user; a certificate that is not listed is refused.',
        examples: [{ 'sensor-7.example.com': 'sensor-7' }],
      }),
    ),
    groups: Type.Optional(
      anyTextList({ description: 'Groups of everybody who comes with such a certificate.', default: [] }),
    ),
  },
  { additionalProperties: false },
);

/** Gives the entries that are sound by themselves, each of which the schema of the section has accepted. */
export function resolveClientCertificates(
  input: unknown,
  context: ResolveContext,
): readonly Placed<ClientCertificateConfig>[] {
  if (!Array.isArray(input)) return [];
  const hosts = new Map<string, string>();
  return input.flatMap((item: unknown, i) => {
    const path: KeyPath = ['authenticate', 'certificate', i];
    if (!context.isSound(ClientCertificateSchema, item)) return [];
    for (const [at, host] of (item.hosts ?? []).entries()) {
      const fault = hostFault(host);
      const taken = hosts.get(host);
      if (fault !== undefined) context.error([...path, 'hosts', at], fault.fault, fault.hint);
      if (taken !== undefined) {
        context.error([...path, 'hosts', at], `${host} is already asked by ${taken}`, 'name a host once');
      }
      hosts.set(host, item.name);
    }
    return [{ path, value: resolveOne(item, path, context) }];
  });
}

function resolveOne(
  input: Static<typeof ClientCertificateSchema>,
  path: KeyPath,
  context: ResolveContext,
): ClientCertificateConfig {
  const { users } = input;
  return {
    name: input.name,
    ca: context.existing(input.ca, [...path, 'ca']),
    crl: input.crl === undefined ? undefined : context.existing(input.crl, [...path, 'crl']),
    hosts: input.hosts ?? [],
    mode: input.mode ?? 'require',
    identity: input.identity ?? 'subject-cn',
    users:
      users === undefined
        ? undefined
        : new Map(Object.entries(users).map(([known, user]) => [asFingerprint(known), user])),
    groups: input.groups ?? [],
  };
}

/** OpenSSL prints fingerprints in upper case with colons. */
function asFingerprint(known: string): string {
  return /^(?:[0-9A-Fa-f]{2}:?){32}$/.test(known) ? known.replaceAll(':', '').toLowerCase() : known;
}
