import type { Socket } from 'node:net';
import { type ClientHello, MAX_HELLO_BYTES, readClientHello } from './client-hello.ts';

/**
 * Reads what a client says first off a connection, and puts every byte back.
 *
 * @param boundMs - longest wait
 * @param onHello - called at most once, with `undefined` when what comes is no ClientHello. Not called when the connection ends before, or is destroyed at the bound.
 */
export function overhear(
  socket: Socket,
  boundMs: number,
  onHello: (hello: ClientHello | undefined) => void,
): void {
  let heard = Buffer.alloc(0);
  let enough = 1;
  const timer = setTimeout(() => socket.destroy(), boundMs);
  const stop = (): void => {
    clearTimeout(timer);
    socket.removeListener('readable', listen);
    socket.removeListener('end', gone);
    socket.removeListener('close', stop);
  };
  const gone = (): void => void socket.destroy();
  const listen = (): void => {
    for (let chunk = take(socket); chunk !== undefined; chunk = take(socket)) {
      heard = Buffer.concat([heard, chunk]);
    }
    // Not for every byte of a client that drips: thousands of tiny records cost milliseconds to look through.
    if (heard.length < enough) return;
    const reading = readClientHello(heard);
    if (reading.kind === 'more' && heard.length <= 2 * MAX_HELLO_BYTES) {
      enough = heard.length + reading.missing;
      return;
    }
    stop();
    socket.unshift(heard);
    onHello(reading.kind === 'hello' ? reading : undefined);
  };
  socket.on('readable', listen);
  socket.on('end', gone);
  socket.on('close', stop);
}

function take(socket: Socket): Buffer | undefined {
  const chunk: unknown = socket.read();
  return Buffer.isBuffer(chunk) ? chunk : undefined;
}
