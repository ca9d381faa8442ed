/** Gives a distinguished name in one line, `CN=R11, O=Let's Encrypt, C=US`; empty when there is none, whatever the types say. */
export function subjectText(name: string | undefined): string {
  return (name ?? '').split('\n').join(', ');
}

/** Gives a distinguished name for a sentence, in quotes, at most 200 characters of it; `no name` when there is none. */
export function quotedSubject(name: string | undefined): string {
  const line = subjectText(name).slice(0, 200);
  return line === '' ? 'no name' : `"${line}"`;
}
