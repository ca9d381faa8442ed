import { GatewayError } from '../errors.ts';

/** What SQLite or the file system said, as a code of the gateway. */
export interface FileFailure {
  readonly error: GatewayError;
  /** Whether waiting can help: the lock goes, the disk gets room. */
  readonly passing: boolean;
}

// Primary result codes, https://www.sqlite.org/rescode.html
const BUSY = 5;
const LOCKED = 6;
const IOERR = 10;
const CORRUPT = 11;
const FULL = 13;
const NOTADB = 26;
// Extended codes of IOERR that are met while reading; every other one means that something could not be written.
const IOERR_READ = new Set([266, 522, 1802, 3594, 6154]);

/** Gives the failure behind an error that `node:sqlite` or `node:fs` threw; `undefined` when it is not one of theirs. */
export function fileFailure(thrown: unknown, path: string): FileFailure | undefined {
  if (!(thrown instanceof Error)) return undefined;
  const sqlite = numberField(thrown, 'errcode');
  if (sqlite !== undefined) return sqliteFailure(thrown, sqlite, path);
  const code = textField(thrown, 'code');
  if (code === 'ERR_INVALID_STATE') return unreachable(thrown, 'the state is closed', false);
  if (textField(thrown, 'syscall') === undefined) return undefined;
  if (code === 'ENOSPC' || code === 'EDQUOT' || code === 'EIO') return full(thrown, path, code);
  return unreachable(thrown, `${path} cannot be opened: ${code}`, false);
}

function sqliteFailure(thrown: Error, code: number, path: string): FileFailure {
  const word = textField(thrown, 'errstr') ?? 'error';
  switch (code & 0xff) {
    case BUSY:
    case LOCKED:
      return unreachable(thrown, `${path} is locked by another program`, true);
    case FULL:
      return full(thrown, path, word);
    case IOERR:
      if (IOERR_READ.has(code)) return unreachable(thrown, `${path} cannot be read: ${word} (${code})`, true);
      return full(thrown, path, `${word}, code ${code}`);
    case NOTADB:
    case CORRUPT:
      return {
        passing: false,
        error: new GatewayError('SP_STATE_CORRUPT', {
          detail: `${path} is not a sound state file (${word}); move it away to begin with an empty state, or put a backup in its place`,
          reason: 'file',
          cause: thrown,
        }),
      };
    default:
      return unreachable(thrown, `${path} cannot be used: ${word} (${code})`, false);
  }
}

function full(cause: Error, path: string, word: string): FileFailure {
  const detail = `${path} cannot be written, the disk is full or failing (${word}); reads go on, writes return with the room`;
  return { passing: true, error: new GatewayError('SP_STATE_FULL', { detail, reason: 'full', cause }) };
}

function unreachable(cause: Error, detail: string, passing: boolean): FileFailure {
  return { passing, error: new GatewayError('SP_STATE_UNREACHABLE', { detail, reason: 'file', cause }) };
}

function numberField(error: Error, name: string): number | undefined {
  const value: unknown = Reflect.get(error, name);
  return typeof value === 'number' ? value : undefined;
}

function textField(error: Error, name: string): string | undefined {
  const value: unknown = Reflect.get(error, name);
  return typeof value === 'string' ? value : undefined;
}
