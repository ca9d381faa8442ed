import type { ClientCertificate, Identity } from '../exchange.ts';

/**
 * Gives the fields that tell an upstream who is asking: user, email where one is known, groups where there are any.
 *
 * @returns a flat list, names lower-case, values as `fieldValue` writes them
 *
 * Security: each name must be one that `reservedNames` takes away from clients.
 */
export function identityFields({ user, email, groups }: Identity): string[] {
  const fields = ['x-forwarded-user', fieldValue(user)];
  if (email !== undefined) fields.push('x-forwarded-email', fieldValue(email));
  if (groups.length > 0) {
    fields.push('x-forwarded-groups', groups.map((group) => fieldValue(group)).join(','));
  }
  return fields;
}

/**
 * Gives the field that tells an upstream which certificate the client showed, when it is one that counts on the route.
 *
 * @param certificate - one for which an entry of the route vouches, be it the identity or a proof beside another one
 * @returns `x-sallyport-client-certificate` with parts as `fieldValue` writes them, `;` and `=` percent-encoded too:
 * `fingerprint=<hex>;subject=...` and one `email=`, `dns=` or `uri=` per alternative name, at most 32 of them
 */
export function certificateFields(certificate: ClientCertificate | undefined): string[] {
  if (certificate === undefined) return [];
  const names = [
    ...certificate.emails.map((email) => ['email', email]),
    ...certificate.dnsNames.map((name) => ['dns', name]),
    ...certificate.uris.map((uri) => ['uri', uri]),
  ].slice(0, MAX_NAMES);
  const parts = [['fingerprint', certificate.fingerprint], ['subject', certificate.subject], ...names];
  const written = parts.map(([key, value = '']) => `${key}=${partValue(value)}`).join(';');
  return ['x-sallyport-client-certificate', written];
}

const MAX_NAMES = 32;

function partValue(text: string): string {
  return fieldValue(text).replaceAll(';', '%3B').replaceAll('=', '%3D');
}

/**
 * Gives a text as a field value: what is not printable ASCII, `%` and `,` are percent-encoded as UTF-8.
 *
 * Security: a claim can hold line ends, commas and characters that upstreams decode differently.
 */
export function fieldValue(text: string): string {
  if (/^[!-$&-+\--~]+$/.test(text)) return text;
  return text.replace(/[^!-$&-+\--~ ]|^ | $/gu, (character) =>
    [...Buffer.from(character, 'utf8')]
      .map((byte) => `%${byte.toString(16).toUpperCase().padStart(2, '0')}`)
      .join(''),
  );
}
