import type { Fields } from './echo-upstream.ts';
import { type Door, openTls, type RawTls } from './raw-tls.ts';

export const FRAME = {
  data: 0,
  headers: 1,
  priority: 2,
  reset: 3,
  settings: 4,
  ping: 6,
  goaway: 7,
  windowUpdate: 8,
  continuation: 9,
} as const;
export const END_STREAM = 0x1;
export const END_HEADERS = 0x4;

/** What came back on one stream. */
export interface StreamAnswer {
  /** First status that is no interim one; 0 when the stream was reset, or the connection ended, before one came. */
  status: number;
  body: string;
  ended: boolean;
  /** Error code of RST_STREAM. */
  reset: number | undefined;
}

/** An HTTP/2 connection whose frames are the test's own: nothing is checked, folded or refused on this side. */
export interface RawH2 {
  readonly tls: RawTls;
  readonly goaway: boolean;
  frame(type: number, flags: number, stream: number, payload?: Buffer): void;
  /** Opens a stream with these fields, each written literally. */
  open(fields: Fields, more?: { readonly end?: boolean; readonly block?: Buffer }): number;
  answer(stream: number): StreamAnswer;
  /** Waits until the stream ended or was reset, or the connection closed. */
  ended(stream: number, boundMs?: number): Promise<StreamAnswer>;
  close(): void;
}

/** Gives one HTTP/2 frame (RFC 9113 §4.1). */
export function frameOf(
  type: number,
  flags: number,
  stream: number,
  payload: Buffer = Buffer.alloc(0),
): Buffer {
  const head = Buffer.alloc(9);
  head.writeUIntBE(payload.length, 0, 3);
  head.writeUInt8(type, 3);
  head.writeUInt8(flags, 4);
  head.writeUInt32BE(stream, 5);
  return Buffer.concat([head, payload]);
}

/** Gives fields as literals without indexing and without Huffman coding (RFC 7541 §6.2.2); texts are latin1. */
export function literals(fields: Fields): Buffer {
  const text = (value: string): Buffer =>
    Buffer.concat([prefixed(Buffer.byteLength(value, 'latin1')), Buffer.from(value, 'latin1')]);
  return Buffer.concat(fields.flatMap(([name, value]) => [Buffer.from([0]), text(name), text(value)]));
}

function prefixed(value: number): Buffer {
  if (value < 127) return Buffer.from([value]);
  const bytes = [127];
  let left = value - 127;
  for (; left >= 128; left >>= 7) bytes.push((left & 127) | 128);
  bytes.push(left);
  return Buffer.from(bytes);
}

/** Connects and sends the preface, with windows large enough that no answer waits. */
export async function openH2(door: Door, serverName?: string): Promise<RawH2> {
  const tls = await openTls(door, { alpn: 'h2', ...(serverName === undefined ? {} : { serverName }) });
  const answers = new Map<number, StreamAnswer>();
  let next = 1;
  let goaway = false;
  const answer = (stream: number): StreamAnswer => {
    const known = answers.get(stream) ?? { status: 0, body: '', ended: false, reset: undefined };
    answers.set(stream, known);
    return known;
  };
  const frame = (type: number, flags: number, stream: number, payload?: Buffer): void =>
    tls.write(frameOf(type, flags, stream, payload));
  const take = (type: number, flags: number, stream: number, payload: Buffer): void => {
    const one = answer(stream);
    if (type === FRAME.settings && (flags & 1) === 0) frame(FRAME.settings, 1, 0);
    else if (type === FRAME.goaway) goaway = true;
    else if (type === FRAME.reset) one.reset = payload.readUInt32BE(0);
    else if (type === FRAME.data) one.body += payload.toString('latin1');
    else if (type === FRAME.headers && one.status < 200) one.status = statusIn(payload);
    if (type <= FRAME.headers && (flags & END_STREAM) !== 0) one.ended = true;
  };
  tls.socket.on('data', () => {
    for (;;) {
      const bytes = Buffer.from(tls.received, 'latin1');
      if (bytes.length < 9) return;
      const length = bytes.readUIntBE(0, 3);
      if (bytes.length < 9 + length) return;
      tls.received = tls.received.slice(9 + length);
      take(bytes[3] ?? 0, bytes[4] ?? 0, bytes.readUInt32BE(5), bytes.subarray(9, 9 + length));
    }
  });
  // Header table of 0 bytes, stream windows as large as they get.
  const settings = Buffer.from([0, 1, 0, 0, 0, 0, 0, 4, 0x7f, 0xff, 0xff, 0xff]);
  tls.write('PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n');
  frame(FRAME.settings, 0, 0, settings);
  frame(FRAME.windowUpdate, 0, 0, Buffer.from([0x3f, 0xff, 0, 0]));
  return {
    tls,
    get goaway() {
      return goaway;
    },
    frame,
    open(fields, { end = true, block = literals(fields) } = {}) {
      const stream = next;
      next += 2;
      frame(FRAME.headers, END_HEADERS | (end ? END_STREAM : 0), stream, block);
      return stream;
    },
    answer,
    async ended(stream, boundMs) {
      const one = answer(stream);
      await tls.until(() => one.ended || one.reset !== undefined, boundMs);
      return one;
    },
    close: () => tls.close(),
  };
}

const STATIC_STATUS = new Map([
  [0x88, 200],
  [0x89, 204],
  [0x8a, 206],
  [0x8b, 304],
  [0x8c, 400],
  [0x8d, 404],
  [0x8e, 500],
]);

/** Reads `:status`, which comes first; later ones may stand in the dynamic table, which is kept by nobody here. */
function statusIn(block: Buffer): number {
  let at = 0;
  // A table size update may stand in front.
  while (((block[at] ?? 0) & 0xe0) === 0x20) at++;
  const first = block[at] ?? 0;
  const known = STATIC_STATUS.get(first);
  if (known !== undefined) return known;
  // With a table size of 0 every other status is a literal with an indexed name.
  const length = (block[at + 1] ?? 0) & 0x7f;
  const value = block.subarray(at + 2, at + 2 + length);
  if (((block[at + 1] ?? 0) & 0x80) === 0) return Number(value.toString('latin1'));
  return Number(huffmanDigits(value));
}

/** Huffman codes of the digits: 0-2 have five bits, 3-9 six (RFC 7541, Appendix B). */
function huffmanDigits(bytes: Buffer): string {
  const bits = [...bytes].map((byte) => byte.toString(2).padStart(8, '0')).join('');
  let at = 0;
  let digits = '';
  while (digits.length < 3 && at < bits.length) {
    const five = Number.parseInt(bits.slice(at, at + 5), 2);
    if (five <= 2) {
      digits += String(five);
      at += 5;
    } else {
      digits += String(Number.parseInt(bits.slice(at, at + 6), 2) - 0x19 + 3);
      at += 6;
    }
  }
  return digits;
}
