import { setImmediate as breathe } from 'node:timers/promises';
import type { Logger } from '../lib/logger.ts';
import { type FileReading, type PairFiles, readFiles, stampFiles } from './files.ts';

interface Watched {
  readonly files: PairFiles;
  /** Of the last reading that was told. */
  told: string;
  /** Of the last look. */
  seen: string;
}

/** How files are watched, and who is told. */
export interface FileWatchOptions {
  /** Between two looks at a pair, milliseconds; more pairs than a thousand for each second are looked at less often. */
  readonly pollMs: number;
  readonly logger: Logger;
  /** Takes what was read after a change; told once for each change, good or bad. */
  readonly onReading: (name: string, reading: FileReading) => void;
}

/** Most pairs looked at in one go, which takes about a millisecond. */
const MOST_AT_ONCE = 200;
/** Shortest time for a look at each pair: ten thousand take ten seconds, and less than a hundredth of a processor. */
const MS_PER_PAIR = 1;

/**
 * Watches pairs of files by looking at them every now and then: notifications of the kernel do not reach network file
 * systems and miss replaced folders. A pair is read when two looks in a row agree, so that writing it may take a while.
 */
export class FileWatch {
  readonly #options: FileWatchOptions;
  readonly #watched = new Map<string, Watched>();
  /** Names of pairs that changed between two looks -> when they are looked at again, however many others there are. */
  readonly #unsettled = new Map<string, number>();
  #names: readonly string[] = [];
  #next = 0;
  #timer: NodeJS.Timeout | undefined;
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
    let looks = 0;
    for (const [name, watched] of this.#watched) {
      if (stampFiles(watched.files) !== watched.told) await this.#tell(name, watched);
      if (++looks % MOST_AT_ONCE === 0) await breathe();
    }
  }

  close(): void {
    this.#closed = true;
    clearTimeout(this.#timer);
  }

  #schedule(): void {
    if (this.#closed || this.#timer !== undefined) return;
    const { size } = this.#watched;
    const circleMs = Math.max(this.#options.pollMs, size * MS_PER_PAIR);
    const pauseMs = circleMs / Math.ceil(size / MOST_AT_ONCE);
    this.#timer = setTimeout(() => void this.#round(), pauseMs).unref();
  }

  async #round(): Promise<void> {
    if (this.#next >= this.#names.length) {
      this.#names = [...this.#watched.keys()];
      this.#next = 0;
    }
    const nowMs = performance.now();
    const due = [...this.#unsettled].filter(([, atMs]) => atMs <= nowMs).map(([name]) => name);
    const some = this.#names.slice(this.#next, this.#next + MOST_AT_ONCE);
    this.#next += MOST_AT_ONCE;
    for (const name of new Set([...due, ...some])) {
      const watched = this.#watched.get(name);
      if (watched !== undefined && this.#settles(name, watched, nowMs)) await this.#tell(name, watched);
    }
    this.#timer = undefined;
    this.#schedule();
  }

  /** @returns whether the pair changed and is at rest since the look before */
  #settles(name: string, watched: Watched, nowMs: number): boolean {
    const stamp = stampFiles(watched.files);
    if (stamp !== watched.seen) {
      watched.seen = stamp;
      this.#unsettled.set(name, nowMs + this.#options.pollMs);
      return false;
    }
    this.#unsettled.delete(name);
    return stamp !== watched.told;
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
