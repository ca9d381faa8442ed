/** Way from the root of the document to a key or list item. */
export type KeyPath = readonly (string | number)[];

/** Gives a path as people write it: `routes[0].upstream`, `upstreams["a b"].targets`. */
export function dotted(path: KeyPath): string {
  let text = '';
  for (const step of path) {
    if (typeof step === 'number') text += `[${step}]`;
    else if (/^[\w-]+$/.test(step)) text += text === '' ? step : `.${step}`;
    else text += `[${JSON.stringify(step)}]`;
  }
  return text;
}

/** A resolved item and the place in the file that it came from. */
export interface Placed<T> {
  readonly path: KeyPath;
  readonly value: T;
}
