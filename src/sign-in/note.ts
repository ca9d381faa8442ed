import { type Html, html } from './html.ts';

/** Gives a line that tells of a failure; screen readers say it at once. */
export function alarm(text: string | undefined): Html | undefined {
  return text === undefined ? undefined : html`<div class="note alarm" role="alert"><p>${text}</p></div>`;
}

/** Gives a line that tells of a success. */
export function good(text: string | undefined): Html | undefined {
  return text === undefined ? undefined : html`<div class="note good" role="status"><p>${text}</p></div>`;
}

/** Gives a wait in words, rounded up. */
export function waitWords(waitMs: number): string {
  const seconds = Math.max(1, Math.ceil(waitMs / 1000));
  if (seconds < 90) return seconds === 1 ? 'a second' : `${seconds} seconds`;
  return `${Math.ceil(seconds / 60)} minutes`;
}
