import type { SQLOutputValue } from 'node:sqlite';
import { GatewayError } from '../errors.ts';

/** One row as SQLite gives it. */
export type Row = Readonly<Record<string, SQLOutputValue>>;

/** Gives a column that holds a whole number. @throws SP_STATE_CORRUPT when it holds anything else */
export function integer(row: Row | undefined, column: string): number {
  const value = row?.[column];
  if (typeof value === 'number') return value;
  throw unexpected(column);
}

/** Gives a column that holds text. @throws SP_STATE_CORRUPT when it holds anything else */
export function text(row: Row | undefined, column: string): string {
  const value = row?.[column];
  if (typeof value === 'string') return value;
  throw unexpected(column);
}

/** Gives a column that holds bytes; the array is the caller's. @throws SP_STATE_CORRUPT when it holds anything else */
export function bytes(row: Row | undefined, column: string): Uint8Array {
  const value = row?.[column];
  if (value instanceof Uint8Array) return value;
  throw unexpected(column);
}

function unexpected(column: string): GatewayError {
  return new GatewayError('SP_STATE_CORRUPT', {
    detail: `column ${column} of the state file holds a value of the wrong kind`,
    reason: 'column',
  });
}
