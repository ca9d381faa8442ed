const REST = / and \d+ more$/;

/** Gives a text that is at most `width` long: `…` stands for what is left out, and how many more there are stays. */
export function cutText(text: string, width: number): string {
  if (text.length <= width) return text;
  const rest = REST.exec(text)?.[0] ?? '';
  const kept = width - rest.length - 1;
  return kept < 1 ? `${text.slice(0, Math.max(0, width - 1))}…` : `${text.slice(0, kept)}…${rest}`;
}
