import type { PutOptions } from './store.ts';

/** Most records on one page of `list`. */
export const MAX_PAGE = 1000;
const DEFAULT_PAGE = 100;

/** Gives a duration as whole milliseconds, rounded up. @throws RangeError unless it is at least 1 and finite */
export function wholeMs(name: string, value: number): number {
  const rounded = Math.ceil(value);
  if (!(rounded >= 1 && rounded <= Number.MAX_SAFE_INTEGER / 2)) {
    throw new RangeError(`${name} must be at least 1 ms and finite, not ${value}`);
  }
  return rounded;
}

/** Gives the page size of a `list` call. @throws RangeError unless it is a whole number from 1 to 1000 */
export function pageSize(limit: number | undefined): number {
  const size = limit ?? DEFAULT_PAGE;
  if (!Number.isInteger(size) || size < 1 || size > MAX_PAGE) {
    throw new RangeError(`limit must be a whole number from 1 to ${MAX_PAGE}, not ${limit}`);
  }
  return size;
}

/** Gives the life that `put` was asked for, whole milliseconds. @throws RangeError on one that is no life, or on conditions that exclude each other */
export function putLife(options: PutOptions): number | undefined {
  if (options.ifAbsent === true && options.ifVersion !== undefined) {
    throw new RangeError('ifAbsent and ifVersion exclude each other');
  }
  return options.ttlMs === undefined ? undefined : wholeMs('ttlMs', options.ttlMs);
}

/** Gives the whole number that a counter grows by. @throws RangeError on anything else */
export function step(by: number | undefined): number {
  const value = by ?? 1;
  if (!Number.isSafeInteger(value)) throw new RangeError(`by must be a whole number, not ${by}`);
  return value;
}
