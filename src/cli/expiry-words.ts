const DAY_MS = 24 * 3600_000;

/** Gives the day of a moment in ISO 8601. */
export function dayOf(moment: unknown): string {
  return String(moment).slice(0, 10);
}

/** Gives the day on which a certificate ends and how many are left, `2026-12-24 (1 day)`. @param notAfter - ISO 8601 */
export function expiryWords(notAfter: unknown, nowMs: number): string {
  const days = Math.floor((Date.parse(String(notAfter)) - nowMs) / DAY_MS);
  if (Number.isNaN(days)) return notAfter === '' ? '' : String(notAfter);
  if (days < 0) return `${dayOf(notAfter)} (over)`;
  return `${dayOf(notAfter)} (${countedDays(days)})`;
}

/** Gives a number of days in words. */
export function countedDays(days: number): string {
  return days === 1 ? '1 day' : `${days} days`;
}
