/** Longest that a CA is obeyed: a mistake in its answer must not end renewals for ever. */
const LONGEST_MS = 8 * 24 * 3600_000;

/**
 * Gives the milliseconds that a `Retry-After` field asks for, at least 0 and at most 8 days; `undefined` when it is absent or
 * malformed (RFC 9110 §10.2.3).
 */
export function retryAfterMs(field: string | undefined, now: number): number | undefined {
  if (field === undefined) return undefined;
  const text = field.trim();
  const ms = /^\d{1,9}$/.test(text) ? Number(text) * 1000 : Date.parse(text) - now;
  return Number.isNaN(ms) ? undefined : Math.min(LONGEST_MS, Math.max(0, ms));
}
