import { once } from 'node:events';
import { connect, createServer, type Socket } from 'node:net';

/** When a line stops: before what it waits for has reached Redis, or after Redis has answered it. */
export type Moment = 'before' | 'after';

/** A line between one process and its Redis, which a test can stop at a command, or cut. */
export interface RedisLine {
  readonly url: string;
  /**
   * Waits until the process sends something that matches for the given time, then lets nothing through, in either
   * direction, until `open` is called.
   *
   * @param pattern - looked for in the bytes as they are sent, read as Latin-1
   * @param times - 1: the first time
   */
  stopAt(pattern: RegExp, moment: Moment, times?: number): Promise<void>;
  /** Lets nothing through from now on, without closing a connection. */
  cut(): void;
  /** Ends every connection and lets new ones through. */
  open(): void;
  close(): Promise<void>;
}

interface Watch {
  readonly pattern: RegExp;
  readonly moment: Moment;
  readonly reached: () => void;
  left: number;
}

/** Opens a line to a Redis on a port of loopback. */
export async function openRedisLine(redisPort: number): Promise<RedisLine> {
  const sockets = new Set<Socket>();
  let isCut = false;
  let watch: Watch | undefined;
  const stop = (reached: () => void): void => {
    isCut = true;
    watch = undefined;
    reached();
  };
  /** @returns whether the bytes may go on */
  const admit = (bytes: Buffer, server: Socket): boolean => {
    if (isCut) return false;
    if (watch === undefined || !watch.pattern.test(bytes.toString('latin1')) || --watch.left > 0) return true;
    const { moment, reached } = watch;
    if (moment === 'before') {
      stop(reached);
      return false;
    }
    watch = undefined;
    // Prepended: the answer is not passed on.
    server.prependOnceListener('data', () => stop(reached));
    return true;
  };
  const server = createServer((client) => {
    const redis = connect({ host: '127.0.0.1', port: redisPort });
    for (const socket of [client, redis]) {
      sockets.add(socket);
      socket.on('error', () => undefined);
      socket.on('close', () => {
        sockets.delete(socket);
        client.destroy();
        redis.destroy();
      });
    }
    client.on('data', (bytes: Buffer) => void (admit(bytes, redis) && redis.write(bytes)));
    redis.on('data', (bytes) => void (isCut || client.write(bytes)));
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('no port');
  const drop = (): void => {
    for (const socket of sockets) socket.destroy();
  };
  return {
    url: `redis://127.0.0.1:${address.port}`,
    stopAt: (pattern, moment, times = 1) =>
      new Promise((reached) => {
        watch = { pattern, moment, reached, left: times };
      }),
    cut: () => {
      isCut = true;
    },
    open: () => {
      isCut = false;
      watch = undefined;
      drop();
    },
    close: async () => {
      drop();
      server.close();
      await once(server, 'close');
    },
  };
}
