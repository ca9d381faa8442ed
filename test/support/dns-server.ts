import { createSocket, type RemoteInfo } from 'node:dgram';
import { once } from 'node:events';
import { existsSync, readFileSync } from 'node:fs';

/** A name server of a test. */
export interface DnsServer {
  readonly port: number;
  /** Addresses: name -> IPv4 address, 127.0.0.1 for every name that is not here. */
  readonly addresses: Map<string, string>;
  close(): void;
}

const TYPES = { a: 1, txt: 16 } as const;

/**
 * Starts a name server on UDP that knows every name: 127.0.0.1, no IPv6 address, no CAA.
 *
 * @param textFile - TXT records, a line each: name, space, value; read anew for each question
 */
export async function startDns(textFile: string): Promise<DnsServer> {
  const textsOf = (name: string): string[] => {
    const lines = existsSync(textFile) ? readFileSync(textFile, 'utf8').split('\n') : [];
    return lines.filter((line) => line.startsWith(`${name} `)).map((line) => line.slice(name.length + 1));
  };
  const addresses = new Map<string, string>();
  const socket = createSocket('udp4');
  socket.on('message', (query: Buffer, from: RemoteInfo) => {
    socket.send(answer(query, textsOf, addresses), from.port, from.address);
  });
  socket.bind(0, '127.0.0.1');
  await once(socket, 'listening');
  return { port: socket.address().port, addresses, close: () => socket.close() };
}

/** One question in, its answers out (RFC 1035 §4); what is not known exists and is empty. */
function answer(query: Buffer, textsOf: (name: string) => string[], addresses: Map<string, string>): Buffer {
  const labels: string[] = [];
  let at = 12;
  for (let length = query[at] ?? 0; length > 0; length = query[at] ?? 0) {
    labels.push(query.subarray(at + 1, at + 1 + length).toString('latin1'));
    at += 1 + length;
  }
  const name = labels.join('.').toLowerCase();
  const question = query.subarray(12, at + 5);
  const type = query.readUInt16BE(at + 1);
  const records: Buffer[] = [];
  if (type === TYPES.a) {
    records.push(Buffer.from((addresses.get(name) ?? '127.0.0.1').split('.').map(Number)));
  }
  if (type === TYPES.txt) {
    for (const text of textsOf(name)) {
      records.push(Buffer.concat([Buffer.of(Buffer.byteLength(text)), Buffer.from(text)]));
    }
  }
  const head = Buffer.alloc(12);
  head.writeUInt16BE(query.readUInt16BE(0), 0);
  head.writeUInt16BE(0x8580, 2);
  head.writeUInt16BE(1, 4);
  head.writeUInt16BE(records.length, 6);
  return Buffer.concat([head, question, ...records.map((bytes) => record(type, bytes))]);
}

function record(type: number, bytes: Buffer): Buffer {
  const head = Buffer.alloc(12);
  // The name of the question, by its place in the message.
  head.writeUInt16BE(0xc00c, 0);
  head.writeUInt16BE(type, 2);
  head.writeUInt16BE(1, 4);
  head.writeUInt32BE(0, 6);
  head.writeUInt16BE(bytes.length, 10);
  return Buffer.concat([head, bytes]);
}
