import { parseArgs } from 'node:util';

/**
 * Gives numeric command-line options (`--rounds 5`), with defaults for the absent ones.
 *
 * @throws Error on an unknown option or a value that is not a positive number
 */
export function numericOptions<Name extends string>(
  defaults: Readonly<Record<Name, number>>,
): Record<Name, number> {
  const options = Object.fromEntries(
    Object.keys(defaults).map((name) => [name, { type: 'string' as const }]),
  );
  const { values } = parseArgs({ options });
  const result: Record<Name, number> = { ...defaults };
  for (const name in defaults) {
    const given = values[name];
    if (given === undefined) continue;
    const number = Number(given);
    if (!(number > 0)) throw new Error(`--${name} takes a positive number`);
    result[name] = number;
  }
  return result;
}
