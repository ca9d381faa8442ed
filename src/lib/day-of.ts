/** Gives the day of a moment in UTC, `2026-11-28`. @param ms - milliseconds since the epoch */
export function dayOf(ms: number): string {
  return new Date(ms).toISOString().slice(0, 10);
}
