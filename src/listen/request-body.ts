import type { Readable } from 'node:stream';
import { GatewayError } from '../errors.ts';
import type { ByteSink, ByteSource } from '../lib/byte-source.ts';

/**
 * Gives the body of a request as a source.
 *
 * @param readable - the request (HTTP/1.1) or stream (HTTP/2)
 * @param idleMs - longest wait for the next bytes while the upstream wants them; 0 for no bound
 * @param onStart - called when the first reader comes, e.g. to send 100 Continue
 * @param trailersOf - reads the trailer section when the body is over
 *
 * The sink's `fail` gets SP_LISTEN_TIMEOUT or SP_FORWARD_CLIENT_GONE.
 */
export function requestBody(
  readable: Readable,
  idleMs: number,
  onStart: () => void,
  trailersOf: () => readonly string[],
): ByteSource {
  let over = false;
  let timer: NodeJS.Timeout | undefined;
  const stop = (): void => {
    over = true;
    clearTimeout(timer);
    readable.off('data', onBytes);
    readable.resume();
  };
  let sink: ByteSink | undefined;
  const finish = (error: Error | undefined): void => {
    if (over || sink === undefined) return;
    stop();
    if (error === undefined) sink.end(trailersOf());
    else sink.fail(error);
  };
  const watch = (): void => {
    if (idleMs === 0 || over) return;
    clearTimeout(timer);
    timer = setTimeout(() => finish(new GatewayError('SP_LISTEN_TIMEOUT', { reason: 'body-idle' })), idleMs);
    timer.unref();
  };
  const onBytes = (chunk: Buffer): void => {
    timer?.refresh();
    if (sink?.write(chunk) !== false) return;
    readable.pause();
    clearTimeout(timer);
  };
  return {
    start(target) {
      sink = target;
      const gone = (): void => finish(new GatewayError('SP_FORWARD_CLIENT_GONE', { reason: 'body-cut-off' }));
      readable.on('data', onBytes);
      readable.once('end', () => finish(undefined));
      readable.once('error', gone);
      readable.once('close', gone);
      // Who reads this body may come after all of it, or after the client has left.
      if (readable.readableEnded) finish(undefined);
      else if (readable.destroyed) gone();
      if (over) return;
      watch();
      onStart();
    },
    resume() {
      if (over) return;
      readable.resume();
      watch();
    },
    cancel() {
      if (!over) stop();
    },
  };
}
