import { constants, fstatSync, openSync, write, writeSync } from 'node:fs';

/** Takes finished log lines and writes them, in order, without ever making the caller wait. */
export interface LogSink {
  /** Takes whole lines that end in a line feed; `lines` says how many, default 1. */
  write(text: string, lines?: number): void;
  /** Resolves when all that was taken so far is written or dropped. */
  flush(): Promise<void>;
  /** Writes what waits, synchronously: for the last moment of the process. */
  flushSync(): void;
  /** Flushes, within a second even when nobody reads; later lines are written synchronously. */
  close(): Promise<void>;
}

export interface LogSinkOptions {
  /** An open file descriptor, e.g. 1 for stdout; it stays open and as it is. */
  readonly fd: number;
  /** Most characters that may wait while the reader is slow; what comes on top is dropped. Default 8 Mi. */
  readonly maxWaiting?: number;
  /** Learns how many lines were lost. */
  readonly onDropped?: (lines: number) => void;
}

const FLUSH_AT = 16 * 1024;
const FLUSH_AFTER_MS = 50;
const RETRY_AFTER_MS = 10;
const CLOSE_BOUND_MS = 1000;
const DEFAULT_MAX_WAITING = 8 * 1024 * 1024;

/**
 * Gives a sink on a file descriptor: lines are gathered, written by the thread pool, one write at a time.
 *
 * `process.stdout` is not used, because Node writes pipes synchronously and a reader that stops would stop the gateway.
 * Logger and access log share one sink, so that their lines never interleave.
 */
export function makeLogSink(options: LogSinkOptions): LogSink {
  return new FdSink(options);
}

class FdSink implements LogSink {
  readonly #fd: number;
  readonly #maxWaiting: number;
  readonly #onDropped: (lines: number) => void;
  readonly #onExit = (): void => this.flushSync();
  #waiting = '';
  #waitingLines = 0;
  #flying: Buffer | undefined;
  #flyingLines = 0;
  /** Bytes in flight that are on the ground for a moment, because the reader had no room. */
  #stalled: Buffer | undefined;
  #timer: NodeJS.Timeout | undefined;
  #retry: NodeJS.Timeout | undefined;
  #idle: (() => void)[] = [];
  #closed = false;

  constructor(options: LogSinkOptions) {
    this.#fd = nonBlocking(options.fd);
    this.#maxWaiting = options.maxWaiting ?? DEFAULT_MAX_WAITING;
    this.#onDropped = options.onDropped ?? (() => undefined);
    process.on('exit', this.#onExit);
  }

  write(text: string, lines = 1): void {
    if (this.#waiting.length + text.length > this.#maxWaiting) {
      this.#onDropped(lines);
      return;
    }
    this.#waiting += text;
    this.#waitingLines += lines;
    if (this.#closed) this.flushSync();
    else if (this.#flying !== undefined) return;
    else if (this.#waiting.length >= FLUSH_AT) this.#launch();
    else this.#timer ??= setTimeout(() => this.#launch(), FLUSH_AFTER_MS).unref();
  }

  flush(): Promise<void> {
    if (this.#flying === undefined) this.#launch();
    if (this.#flying === undefined) return Promise.resolve();
    return new Promise((resolve) => this.#idle.push(resolve));
  }

  flushSync(): void {
    const text = this.#waiting;
    this.#waiting = '';
    this.#waitingLines = 0;
    let rest = Buffer.concat([this.#stalled ?? Buffer.alloc(0), Buffer.from(text)]);
    try {
      while (rest.length > 0) rest = rest.subarray(writeSync(this.#fd, rest));
    } catch {
      // The process is ending and the reader is gone or full: there is nobody left to tell.
    }
  }

  async close(): Promise<void> {
    if (this.#closed) return;
    const late = Promise.withResolvers<void>();
    const timer = setTimeout(late.resolve, CLOSE_BOUND_MS);
    await Promise.race([this.flush(), late.promise]);
    clearTimeout(timer);
    this.#closed = true;
    this.#stopTimer();
    process.off('exit', this.#onExit);
    if (this.#flying !== undefined) this.#giveUp();
  }

  #giveUp(): void {
    clearTimeout(this.#retry);
    this.#onDropped(this.#flyingLines + this.#waitingLines);
    this.#stalled = undefined;
    this.#waiting = '';
    this.#waitingLines = 0;
  }

  #launch(): void {
    this.#stopTimer();
    if (this.#flying !== undefined || this.#waiting.length === 0) return;
    this.#flying = Buffer.from(this.#waiting);
    this.#flyingLines = this.#waitingLines;
    this.#waiting = '';
    this.#waitingLines = 0;
    this.#fly(this.#flying);
  }

  #fly(bytes: Buffer): void {
    this.#stalled = undefined;
    write(this.#fd, bytes, (error, written) => {
      if (error?.code === 'EAGAIN') {
        this.#stalled = bytes;
        this.#retry = setTimeout(() => this.#fly(bytes), RETRY_AFTER_MS).unref();
        return;
      }
      if (error === null && written < bytes.length) {
        this.#fly(bytes.subarray(written));
        return;
      }
      if (error !== null) this.#onDropped(this.#flyingLines);
      this.#landed();
    });
  }

  #landed(): void {
    this.#flying = undefined;
    if (this.#waiting.length > 0) {
      // Small writes one after the other would cost more than the lines themselves.
      if (this.#waiting.length >= FLUSH_AT || this.#idle.length > 0) this.#launch();
      else this.#timer ??= setTimeout(() => this.#launch(), FLUSH_AFTER_MS).unref();
      return;
    }
    const idle = this.#idle;
    this.#idle = [];
    for (const resolve of idle) resolve();
  }

  #stopTimer(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
  }
}

/**
 * Gives a descriptor of the same pipe or terminal on which a write never waits, or the given one where there is none.
 * It is a new opening, because the mode belongs to the opening and ours is shared with other processes. It stays open
 * as long as the process: without it a reader that stops would hold a thread, and with it the end of the process.
 */
function nonBlocking(fd: number): number {
  try {
    const kind = fstatSync(fd);
    if (!kind.isFIFO() && !kind.isCharacterDevice()) return fd;
    return openSync(`/proc/self/fd/${fd}`, constants.O_WRONLY | constants.O_NONBLOCK | constants.O_NOCTTY);
  } catch {
    return fd;
  }
}
