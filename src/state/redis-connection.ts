import { GatewayError } from '../errors.ts';
import type { HealthBoard } from './health-board.ts';
import type { RedisAddress } from './redis-address.ts';
import { makeRedisClient, type RedisClient } from './redis-client.ts';
import { type RedisFailure, redisFailure, redisSilence } from './redis-failure.ts';
import type { RedisKeys } from './redis-keys.ts';
import type { RedisScript } from './redis-scripts.ts';

/** Longest wait for one answer: requests wait for it. */
const ANSWER_MS = 400;
/** A connection silent for so long is made anew; also what finds one that broke without a word. */
const SILENCE_MS = 2_000;
const PROBE_UP_MS = 1_000;
const PROBE_DOWN_MS = 200;

/** One argument of a command: text and numbers travel as UTF-8, bytes as they are. */
export type RedisArgument = string | number | Uint8Array;

/** The connection through which everything but following goes. Tells the health board of every change. */
export class RedisConnection {
  readonly #client: RedisClient;
  readonly #health: HealthBoard;
  readonly #probeKey: string;
  #probe: NodeJS.Timeout | undefined;
  #closed = false;
  /** The last failure since the connection was up that says why. */
  #why: RedisFailure | undefined;
  /** Settles with the first success or failure to connect: calls made before that wait for it. */
  readonly #first = Promise.withResolvers<void>();
  #firstKnown = false;

  constructor(address: RedisAddress, keys: RedisKeys, health: HealthBoard) {
    this.#health = health;
    this.#probeKey = keys.events;
    this.#client = makeRedisClient(address, SILENCE_MS);
    this.#client.on('error', (thrown: unknown) => this.#lost(redisFailure(thrown)));
    this.#client.on('close', () => this.#lost(redisFailure(undefined)));
    this.#client.on('ready', () => this.#ask());
    this.#later(PROBE_DOWN_MS);
  }

  /** Runs one command. @returns Redis' reply: Buffers, numbers, `null` and lists of them
   * @throws SP_STATE_UNREACHABLE, SP_STATE_FULL; what a write that failed did to the state is unknown */
  async call(command: string, ...args: readonly RedisArgument[]): Promise<unknown> {
    if (!this.#firstKnown) await this.#inTime(this.#first.promise);
    try {
      return await this.#inTime(this.#client.callBuffer(command, args.map(argument)));
    } catch (thrown) {
      throw this.#failed(thrown);
    }
  }

  /** Runs a script as one atomic step; sends its text only when Redis does not know it. @throws as `call` */
  async run(script: RedisScript, keys: readonly string[], args: readonly RedisArgument[]): Promise<unknown> {
    if (!this.#firstKnown) await this.#inTime(this.#first.promise);
    const rest = [keys.length, ...keys, ...args].map(argument);
    try {
      return await this.#inTime(this.#evaluate(script, rest));
    } catch (thrown) {
      throw this.#failed(thrown);
    }
  }

  close(): void {
    this.#closed = true;
    clearTimeout(this.#probe);
    this.#known();
    this.#client.disconnect();
  }

  async #evaluate(script: RedisScript, rest: (string | Buffer)[]): Promise<unknown> {
    try {
      return await this.#client.callBuffer('EVALSHA', [script.sha1, ...rest]);
    } catch (thrown) {
      if (!(thrown instanceof Error) || !thrown.message.startsWith('NOSCRIPT')) throw thrown;
      return await this.#client.callBuffer('EVAL', [script.lua, ...rest]);
    }
  }

  async #inTime<T>(answer: Promise<T>): Promise<T> {
    const late = Promise.withResolvers<never>();
    // A process that was held up itself has answers waiting: it reads them before it complains.
    const timer = setTimeout(() => setImmediate(() => late.reject(redisSilence().error)), ANSWER_MS);
    try {
      return await Promise.race([answer, late.promise]);
    } finally {
      clearTimeout(timer);
    }
  }

  #failed(thrown: unknown): GatewayError {
    if (this.#closed)
      return new GatewayError('SP_STATE_UNREACHABLE', { detail: 'the state is closed', reason: 'closed' });
    const failure = this.#explained(redisFailure(thrown));
    if (failure.down) this.#lost(failure);
    return failure.error;
  }

  #lost(failure: RedisFailure): void {
    if (this.#closed) return;
    this.#known();
    const { error } = this.#explained(failure);
    if (failure.telling) this.#why = failure;
    this.#health.set(false, error.detail);
    this.#later(PROBE_DOWN_MS);
  }

  /** Gives the reason why the connection was lost for a call that only knows that it is. */
  #explained(failure: RedisFailure): RedisFailure {
    const why = this.#why?.error;
    if (failure.telling || why === undefined) return failure;
    const { detail = '', reason = '' } = why;
    return { ...failure, telling: true, error: new GatewayError(why.code, { detail, reason }) };
  }

  #later(ms: number): void {
    clearTimeout(this.#probe);
    if (!this.#closed) this.#probe = setTimeout(() => this.#ask(), ms).unref();
  }

  /** Asks Redis for a key: the one way in which a connection that was down is known to be up. */
  #ask(): void {
    if (this.#client.status !== 'ready') {
      this.#later(PROBE_DOWN_MS);
      return;
    }
    this.#inTime(this.#client.callBuffer('EXISTS', [this.#probeKey])).then(
      () => {
        if (this.#closed) return;
        this.#known();
        this.#why = undefined;
        this.#health.set(true);
        this.#later(PROBE_UP_MS);
      },
      (thrown: unknown) => this.#lost(redisFailure(thrown)),
    );
  }

  #known(): void {
    this.#firstKnown = true;
    this.#first.resolve();
  }
}

function argument(value: RedisArgument): string | Buffer {
  if (typeof value === 'string') return value;
  if (typeof value === 'number') return String(value);
  return Buffer.from(value.buffer, value.byteOffset, value.byteLength);
}
