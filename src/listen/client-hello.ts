/** What a client says before anything is agreed. */
export interface ClientHello {
  /** As the client sent it; `undefined` when it named no host. */
  readonly serverName: string | undefined;
  /** Application protocols that it offers (RFC 7301). */
  readonly protocols: readonly string[];
}

/** What a look at the first bytes of a connection gave. */
export type HelloReading =
  | {
      readonly kind: 'more';
      /** At least so many bytes have to follow before another look can find more. */
      readonly missing: number;
    }
  | ({ readonly kind: 'hello' } & ClientHello)
  | { readonly kind: 'other' };

const HANDSHAKE_RECORD = 22;
const CLIENT_HELLO = 1;
const SERVER_NAME = 0;
const PROTOCOLS = 16;
/** Longest ClientHello that is waited for; with post-quantum shares real ones stay below 3 KiB. */
export const MAX_HELLO_BYTES = 16 * 1024;

/**
 * Finds the server name in the first bytes of a TLS connection, however they are cut into records.
 *
 * @see RFC 8446 §4.1.2, §5.1; RFC 6066 §3
 *
 * Security: this only chooses who shakes hands. OpenSSL reads the same bytes afterwards, and a connection whose name it
 * reads differently is dropped.
 */
export function readClientHello(bytes: Buffer): HelloReading {
  const message: Buffer[] = [];
  let gathered = 0;
  for (let at = 0; at + 5 <= bytes.length; ) {
    const length = bytes.readUInt16BE(at + 3);
    if (bytes[at] !== HANDSHAKE_RECORD || length === 0) return { kind: 'other' };
    const part = bytes.subarray(at + 5, at + 5 + length);
    message.push(part);
    gathered += part.length;
    at += 5 + length;
  }
  if (bytes.length > 0 && bytes[0] !== HANDSHAKE_RECORD) return { kind: 'other' };
  if (gathered < 4) return { kind: 'more', missing: 4 - gathered };
  const hello = Buffer.concat(message);
  if (hello[0] !== CLIENT_HELLO) return { kind: 'other' };
  const end = 4 + hello.readUIntBE(1, 3);
  if (end > MAX_HELLO_BYTES) return { kind: 'other' };
  if (hello.length < end) return { kind: 'more', missing: end - hello.length };
  try {
    return { kind: 'hello', ...extensionsOf(hello.subarray(4, end)) };
  } catch {
    return { kind: 'other' };
  }
}

/** @throws RangeError when a length points beyond the end */
function extensionsOf(hello: Buffer): ClientHello {
  let serverName: string | undefined;
  let protocols: readonly string[] = [];
  let at = 34;
  at += 1 + hello.readUInt8(at);
  at += 2 + hello.readUInt16BE(at);
  at += 1 + hello.readUInt8(at);
  if (at === hello.length) return { serverName, protocols };
  const end = at + 2 + hello.readUInt16BE(at);
  at += 2;
  while (at < end) {
    const type = hello.readUInt16BE(at);
    const length = hello.readUInt16BE(at + 2);
    const extension = hello.subarray(at + 4, at + 4 + length);
    if (type === SERVER_NAME) serverName = nameIn(extension);
    if (type === PROTOCOLS) protocols = protocolsIn(extension);
    at += 4 + length;
  }
  return { serverName, protocols };
}

function protocolsIn(extension: Buffer): readonly string[] {
  const protocols: string[] = [];
  for (let at = 2; at < extension.length; at += 1 + extension.readUInt8(at)) {
    protocols.push(extension.toString('latin1', at + 1, at + 1 + extension.readUInt8(at)));
  }
  return protocols;
}

function nameIn(extension: Buffer): string | undefined {
  if (extension.readUInt8(2) !== 0) return undefined;
  const length = extension.readUInt16BE(3);
  if (5 + length > extension.length) throw new RangeError('a server name is cut');
  return extension.toString('latin1', 5, 5 + length);
}
