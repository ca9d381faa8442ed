import { readFile, stat } from 'node:fs/promises';
import type { Logger } from '../lib/logger.ts';
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

async function stampOf(path: string): Promise<string> {
  try {
    const { mtimeMs, size, ino } = await stat(path);
    return `${mtimeMs}/${size}/${ino}`;
  } catch (error) {
    return codeOf(error);
  }
}

/** Gives a mark of both files: modification time, size and inode, or why they cannot be seen. */
export async function stampFiles(files: PairFiles): Promise<string> {
  const [certificate, key] = await Promise.all([stampOf(files.certificate), stampOf(files.key)]);
  return `${certificate} ${key}`;
}

async function read(path: string): Promise<string> {
  const { size } = await stat(path);
  // A file that grows meanwhile is caught by the limit of the reading.
  return size > MAX_BYTES ? 'x'.repeat(MAX_BYTES + 1) : await readFile(path, 'utf8');
}

/** Reads a pair from its files; a file that cannot be read is a problem like any other. Never rejects. */
export async function readFiles(files: PairFiles): Promise<FileReading> {
  const stamp = await stampFiles(files);
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

interface Watched {
  readonly files: PairFiles;
  /** Of the last reading that was told. */
  told: string;
  /** Of the last look. */
  seen: string;
}

/** How files are watched, and who is told. */
export interface FileWatchOptions {
  /** Between two looks, milliseconds. */
  readonly pollMs: number;
  readonly logger: Logger;
  /** Takes what was read after a change; told once for each change, good or bad. */
  readonly onReading: (name: string, reading: FileReading) => void;
}

/** Most pairs looked at in one round, so that 10,000 of them cost no more than a few percent of a processor. */
const MOST_PER_ROUND = 200;

/**
 * Watches pairs of files by looking at them every few seconds: notifications of the kernel do not reach network file
 * systems and miss replaced folders. A pair is read when two looks in a row agree, so that writing it may take a while.
 */
export class FileWatch {
  readonly #options: FileWatchOptions;
  readonly #watched = new Map<string, Watched>();
  /** Names whose files changed since the look before: they are looked at again in the next round. */
  readonly #unsettled = new Set<string>();
  #timer: NodeJS.Timeout | undefined;
  #from = 0;
  #closed = false;

  constructor(options: FileWatchOptions) {
    this.#options = options;
  }

  /** @param stamp - of the reading that is already known */
  add(name: string, files: PairFiles, stamp: string): void {
    this.#watched.set(name, { files, told: stamp, seen: stamp });
    this.#schedule();
  }

  /** Looks at every pair now, and reads the changed ones without waiting for a second look. */
  async refresh(): Promise<void> {
    for (const [name, watched] of this.#watched) {
      const stamp = await stampFiles(watched.files);
      if (stamp !== watched.told) await this.#tell(name, watched);
    }
  }

  close(): void {
    this.#closed = true;
    clearTimeout(this.#timer);
  }

  #schedule(): void {
    if (this.#closed || this.#timer !== undefined) return;
    this.#timer = setTimeout(() => void this.#round(), this.#options.pollMs).unref();
  }

  async #round(): Promise<void> {
    const all = [...this.#watched.keys()];
    const some = new Set([...this.#unsettled, ...all.slice(this.#from, this.#from + MOST_PER_ROUND)]);
    this.#from = this.#from + MOST_PER_ROUND >= all.length ? 0 : this.#from + MOST_PER_ROUND;
    for (const name of some) {
      const watched = this.#watched.get(name);
      if (watched !== undefined) await this.#look(name, watched);
    }
    this.#timer = undefined;
    this.#schedule();
  }

  async #look(name: string, watched: Watched): Promise<void> {
    const stamp = await stampFiles(watched.files);
    const settled = stamp === watched.seen;
    watched.seen = stamp;
    if (settled) this.#unsettled.delete(name);
    else this.#unsettled.add(name);
    if (settled && stamp !== watched.told) await this.#tell(name, watched);
  }

  async #tell(name: string, watched: Watched): Promise<void> {
    const reading = await readFiles(watched.files);
    watched.told = reading.stamp;
    watched.seen = reading.stamp;
    if (this.#closed) return;
    try {
      this.#options.onReading(name, reading);
    } catch (error) {
      const message = error instanceof Error ? error.message : 'unknown';
      this.#options.logger.error(
        { certificate: name, detail: message },
        'a changed certificate file was not taken over',
      );
    }
  }
}
