import { statSync } from 'node:fs';
import { readFile, stat } from 'node:fs/promises';
import type { Secret } from '../lib/secret.ts';
import { MAX_BYTES } from './pem.ts';
import { problem } from './problem.ts';
import { type Reading, readPair } from './reading.ts';

/** Where a pair lies. */
export interface PairFiles {
  readonly certificate: string;
  readonly key: string;
  readonly passphrase: Secret | undefined;
}

/** What could be read of a pair of files. */
export interface FileReading extends Reading {
  /** Changes when one of the files is written or replaced. */
  readonly stamp: string;
}

function codeOf(error: unknown): string {
  return error instanceof Error && 'code' in error ? String(error.code) : 'unreadable';
}

function stampOf(path: string): string {
  try {
    const { mtimeMs, size, ino } = statSync(path);
    return `${mtimeMs}/${size}/${ino}`;
  } catch (error) {
    return codeOf(error);
  }
}

/**
 * Gives a mark of both files: modification time, size and inode, or why they cannot be seen.
 *
 * It waits for the system: some microseconds for a file, a tenth of what a promise for each costs.
 */
export function stampFiles(files: PairFiles): string {
  return `${stampOf(files.certificate)} ${stampOf(files.key)}`;
}

async function read(path: string): Promise<string> {
  const { size } = await stat(path);
  // A file that grows meanwhile is caught by the limit of the reading.
  return size > MAX_BYTES ? 'x'.repeat(MAX_BYTES + 1) : await readFile(path, 'utf8');
}

/** Reads a pair from its files; a file that cannot be read is a problem like any other. Never rejects. */
export async function readFiles(files: PairFiles): Promise<FileReading> {
  const stamp = stampFiles(files);
  const [certificate, key] = await Promise.allSettled([read(files.certificate), read(files.key)]);
  if (certificate.status === 'fulfilled' && key.status === 'fulfilled') {
    const source = { certificate: certificate.value, key: key.value, passphrase: files.passphrase?.reveal() };
    return { ...(await readPair(source)), stamp };
  }
  const problems = [
    { path: files.certificate, result: certificate },
    { path: files.key, result: key },
  ].flatMap(({ path, result }) =>
    result.status === 'rejected'
      ? [problem('file-unreadable', `${path} cannot be read (${codeOf(result.reason)}).`)]
      : [],
  );
  return { certificates: [], key: undefined, problems, stamp };
}
