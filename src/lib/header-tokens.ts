/** Gives the lower-case members of a comma-separated field value (RFC 9110 §5.6.1), empty members left out. */
export function headerTokens(value: string): string[] {
  const tokens: string[] = [];
  for (const part of value.split(',')) {
    const token = part.trim().toLowerCase();
    if (token !== '') tokens.push(token);
  }
  return tokens;
}
