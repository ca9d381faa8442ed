import { closest } from '../closest.ts';
import type { KeyPath } from '../key-path.ts';
import type { ResolveContext } from '../resolve-context.ts';
import { many, oneOrMany } from './value.ts';

/** Key `clientCertificate` of a route. */
export const RouteCertificatesSchema = oneOrMany({
  description:
    'Entries of `authenticate.certificate` whose certificates count here, the first that fits first; default the one that covers the host. With one of mode `require` nobody gets through without a good certificate of one of them.',
  examples: ['devices'],
});

/**
 * Gives the entries that a route names, `undefined` when it names none; unknown ones and doubles go to the context.
 *
 * @param known - names of all entries that are written, also of those that are wrong
 */
export function resolveRouteCertificates(
  written: string | readonly string[] | undefined,
  known: ReadonlySet<string>,
  path: KeyPath,
  context: ResolveContext,
): readonly string[] | undefined {
  if (written === undefined) return undefined;
  const names = many(written);
  for (const [i, name] of names.entries()) {
    const at = typeof written === 'string' ? path : [...path, i];
    if (names.indexOf(name) < i) context.error(at, `${name} is listed twice`);
    if (known.has(name)) continue;
    const meant = closest(name, known);
    const hint = known.size === 0 ? 'none is configured' : `known: ${[...known].slice(0, 10).join(', ')}`;
    context.error(
      at,
      `authenticate.certificate has no entry ${JSON.stringify(name)}`,
      meant === undefined ? hint : `did you mean ${meant}?`,
    );
  }
  return names;
}
