import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { connect, type Socket } from 'node:net';

export interface HelloOptions {
  /** Bytes of the server name; `undefined` leaves the extension out. */
  readonly name?: Buffer;
  /** Highest version that is offered: 0x0303 is TLS 1.2, 0x0302 TLS 1.1. */
  readonly version?: number;
  readonly ciphers?: readonly number[];
}

const ECDHE_GCM = [0xc02b, 0xc02f, 0xc02c, 0xc030];
const SIGNATURES = [0x0403, 0x0503, 0x0804, 0x0805, 0x0401, 0x0501, 0x0203, 0x0201];

const u8 = (value: number): Buffer => Buffer.from([value]);
const u16 = (...values: readonly number[]): Buffer =>
  Buffer.concat(values.map((value) => Buffer.from([value >> 8, value & 255])));
const sized8 = (bytes: Buffer): Buffer => Buffer.concat([u8(bytes.length), bytes]);
const sized16 = (bytes: Buffer): Buffer => Buffer.concat([u16(bytes.length), bytes]);
const extension = (type: number, body: Buffer): Buffer => Buffer.concat([u16(type), sized16(body)]);

/** Gives the handshake message of a ClientHello up to TLS 1.2 (RFC 5246 §7.4.1.2), whose answer can be read in the clear. */
export function clientHello({ name, version = 0x0303, ciphers = ECDHE_GCM }: HelloOptions): Buffer {
  const extensions = Buffer.concat([
    ...(name === undefined ? [] : [extension(0, sized16(Buffer.concat([u8(0), sized16(name)])))]),
    extension(10, sized16(u16(29, 23, 24))),
    extension(11, sized8(u8(0))),
    extension(13, sized16(u16(...SIGNATURES))),
    extension(0xff01, sized8(Buffer.alloc(0))),
  ]);
  const body = Buffer.concat([
    u16(version),
    randomBytes(32),
    sized8(Buffer.alloc(0)),
    sized16(u16(...ciphers)),
    sized8(u8(0)),
    sized16(extensions),
  ]);
  return Buffer.concat([u8(1), u8(0), u16(body.length), body]);
}

/** Gives one TLS record of handshake bytes (RFC 8446 §5.1). */
export function record(bytes: Buffer): Buffer {
  return Buffer.concat([u8(22), u16(0x0301), sized16(bytes)]);
}

/** Sends parts, each in a segment of its own, and gives what the server says to them until it is silent or gone, as latin1. */
export async function greet(port: number, parts: readonly Buffer[]): Promise<string> {
  const socket: Socket = connect(port, '127.0.0.1');
  socket.setNoDelay(true);
  let heard = '';
  socket.on('error', () => {});
  const enough = new Promise<void>((resolve) => {
    socket.on('close', () => resolve());
    socket.on('data', (chunk) => {
      heard += chunk.toString('latin1');
      // An alert, or ServerHelloDone, which is the last thing that a server says before it waits.
      if (heard.startsWith('\x15') || heard.endsWith('\x0e\0\0\0')) resolve();
    });
    setTimeout(resolve, 2_000).unref();
  });
  await once(socket, 'connect');
  for (const [i, part] of parts.entries()) {
    if (i > 0) await new Promise((resolve) => setImmediate(resolve));
    socket.write(part);
  }
  await enough;
  socket.destroy();
  return heard;
}
