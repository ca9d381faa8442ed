import { type Html, html } from './html.ts';

/** Gives a point in time as a reader wants it: how long ago when it was lately, else the day; exact in UTC in `datetime`. */
export function moment(atSec: number, nowSec: number): Html {
  const exact = new Date(atSec * 1000).toISOString();
  return html`<time datetime="${exact}" title="${exact.slice(0, 16).replace('T', ' ')} UTC">${momentWords(atSec, nowSec)}</time>`;
}

/** Gives the same as text alone, for attributes. */
export function momentWords(atSec: number, nowSec: number): string {
  const ago = nowSec - atSec;
  if (ago < 0 || ago >= 86_400) return `on ${new Date(atSec * 1000).toISOString().slice(0, 10)}`;
  if (ago < 90) return 'just now';
  if (ago < 5400) return `${Math.round(ago / 60)} minutes ago`;
  return `${Math.round(ago / 3600)} hours ago`;
}
