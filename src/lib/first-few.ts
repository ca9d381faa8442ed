/** Gives a list in one line, `a, b and 58 more`; whole when no more than one beyond `most` would be left out. */
export function firstFew(items: readonly string[], most: number): string {
  if (items.length <= most + 1) return items.join(', ');
  return `${items.slice(0, most).join(', ')} and ${items.length - most} more`;
}
