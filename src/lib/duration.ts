const UNIT_MS: Readonly<Record<string, number>> = { ms: 1, s: 1_000, m: 60_000, h: 3_600_000, d: 86_400_000 };

/** What a written duration looks like, as the source of a regular expression. */
export const DURATION_PATTERN = '^(?:0|[1-9][0-9]{0,8})(?:ms|s|m|h|d)$';

const DURATION = /^(\d{1,9})(ms|s|m|h|d)$/;

/** Longest delay that a Node timer keeps, milliseconds; a longer one would fire at once. */
export const MAX_TIMER_MS = 2 ** 31 - 1;

/**
 * Gives a duration in milliseconds, or `undefined` when it is malformed.
 *
 * @param text - a whole number and its unit, without space: `250ms`, `30s`, `5m`, `12h`, `7d`
 */
export function parseDuration(text: string): number | undefined {
  const match = DURATION.exec(text);
  if (match === null || /^0\d/.test(text)) return undefined;
  return Number(match[1]) * (UNIT_MS[match[2] ?? ''] ?? Number.NaN);
}
