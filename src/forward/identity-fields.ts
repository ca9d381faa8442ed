import type { Identity } from '../exchange.ts';

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
