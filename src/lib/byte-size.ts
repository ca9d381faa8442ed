const UNIT_BYTES: Readonly<Record<string, number>> = { B: 1, KiB: 2 ** 10, MiB: 2 ** 20, GiB: 2 ** 30 };

/** What a written size looks like, as the source of a regular expression. */
export const BYTE_SIZE_PATTERN = '^(?:0|[1-9][0-9]{0,5})(?:B|KiB|MiB|GiB)$';

const BYTE_SIZE = /^(\d{1,6})(B|KiB|MiB|GiB)$/;

/**
 * Gives a size in bytes, or `undefined` when it is malformed.
 *
 * Only binary units (IEC 80000-13): what `KB` means depends on who is asked.
 *
 * @param text - a whole number and its unit, without space: `512B`, `32KiB`, `100MiB`, `2GiB`
 */
export function parseByteSize(text: string): number | undefined {
  const match = BYTE_SIZE.exec(text);
  if (match === null || /^0\d/.test(text)) return undefined;
  return Number(match[1]) * (UNIT_BYTES[match[2] ?? ''] ?? Number.NaN);
}
