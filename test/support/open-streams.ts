import { once } from 'node:events';
import { connect as connect2 } from 'node:http2';
import { request } from 'node:https';
import { WebSocket } from 'ws';

/** Where streams are opened, and as whom. */
export interface StreamDoor {
  readonly port: number;
  readonly ca: string;
  /** Value of `Authorization`; absent: without a credential. */
  readonly authorization?: string;
  /** Value of `Cookie`. */
  readonly cookie?: string;
  readonly host?: string;
  /** Certificate that is shown when it is asked for. */
  readonly client?: { readonly cert: string; readonly key: string };
}

/** A stream as its client sees it, already flowing. */
export interface ClientStream {
  readonly kind: string;
  /** `undefined` while it is open; then how it ended: close code, `RST n`, `broken` or `complete`. */
  ending(): string | undefined;
  /** Bytes or messages so far. */
  count(): number;
  /** Waits for its end, at most `boundMs`. */
  ended(boundMs?: number): Promise<string>;
  close(): void;
}

type Seen = { ending: string | undefined; count: number };

function streamOf(kind: string, seen: Seen, close: () => void): ClientStream {
  return {
    kind,
    ending: () => seen.ending,
    count: () => seen.count,
    async ended(boundMs = 3_000) {
      const endAt = performance.now() + boundMs;
      while (seen.ending === undefined && performance.now() < endAt) await pause(5);
      if (seen.ending === undefined) throw new Error(`the ${kind} stream is still open after ${boundMs} ms`);
      return seen.ending;
    },
    close,
  };
}

async function flowing(kind: string, seen: Seen): Promise<void> {
  for (let waited = 0; ; waited += 5) {
    if (seen.ending !== undefined) throw new Error(`the ${kind} stream ended at once: ${seen.ending}`);
    if (seen.count > 0) return;
    if (waited > 5_000) throw new Error(`nothing came on the ${kind} stream`);
    await pause(5);
  }
}

/** Waits. */
export function pause(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}

function fieldsOf({ authorization, cookie }: StreamDoor): Record<string, string> {
  return {
    ...(authorization === undefined ? {} : { authorization }),
    ...(cookie === undefined ? {} : { cookie }),
  };
}

/** Opens a WebSocket over HTTP/1.1; a close code comes with its reason. */
export async function openWebSocket(door: StreamDoor, path = '/ws'): Promise<ClientStream> {
  const { port, ca, host = 'localhost' } = door;
  const seen: Seen = { ending: undefined, count: 0 };
  const options = {
    ca,
    servername: host,
    ...door.client,
    headers: { ...fieldsOf(door), host: `${host}:${port}` },
  };
  const socket = new WebSocket(`wss://127.0.0.1:${port}${path}`, options);
  socket.on('message', () => seen.count++);
  socket.on('error', () => {});
  socket.on('unexpected-response', (_request, answer) => {
    seen.ending = `status ${answer.statusCode}`;
    socket.terminate();
  });
  socket.on('close', (code, reason) => {
    seen.ending ??= `${code} ${reason.toString()}`;
  });
  await flowing('websocket', seen);
  return streamOf('websocket', seen, () => socket.terminate());
}

/** Opens a GET over HTTP/1.1 whose answer streams. */
export async function openHttp1(door: StreamDoor, path: string): Promise<ClientStream> {
  const { port, ca, host = 'localhost' } = door;
  const seen: Seen = { ending: undefined, count: 0 };
  const headers = { ...fieldsOf(door), host: `${host}:${port}` };
  const tls = { ca, servername: host, ...door.client };
  const call = request({ host: '127.0.0.1', port, ...tls, path, agent: false, headers });
  call.on('error', () => {
    seen.ending ??= 'broken';
  });
  call.on('response', (answer) => {
    if (answer.statusCode !== 200) seen.ending = `status ${answer.statusCode}`;
    answer.on('data', (chunk: Buffer) => {
      seen.count += chunk.length;
    });
    answer.on('error', () => {});
    answer.on('close', () => {
      seen.ending ??= answer.complete ? 'complete' : 'broken';
    });
  });
  call.end();
  await flowing(`HTTP/1.1 ${path}`, seen);
  return streamOf(`HTTP/1.1 ${path}`, seen, () => call.destroy());
}

/** Opens a GET, or with `websocket` an extended CONNECT, on an HTTP/2 connection of its own. */
export async function openHttp2(door: StreamDoor, path: string, websocket = false): Promise<ClientStream> {
  const { port, ca, host = 'localhost' } = door;
  const seen: Seen = { ending: undefined, count: 0 };
  const session = connect2(`https://127.0.0.1:${port}`, { ca, servername: host, ...door.client });
  session.on('error', () => {});
  await once(session, 'remoteSettings');
  const kind = `HTTP/2 ${path}`;
  const target = { ':authority': `${host}:${port}`, ':path': path, ...fieldsOf(door) };
  const stream = session.request(
    websocket
      ? { ...target, ':method': 'CONNECT', ':protocol': 'websocket', 'sec-websocket-version': '13' }
      : { ...target, ':method': 'GET' },
    { endStream: !websocket },
  );
  let last: Buffer = Buffer.alloc(0);
  stream.on('response', (fields) => {
    if (fields[':status'] !== 200) seen.ending = `status ${fields[':status']}`;
  });
  stream.on('error', () => {});
  stream.on('data', (chunk: Buffer) => {
    seen.count += chunk.length;
    last = chunk;
  });
  stream.on('end', () => {
    if (websocket) seen.ending ??= closeIn(last);
    stream.end();
  });
  stream.on('close', () => {
    seen.ending ??= stream.rstCode === 0 ? 'complete' : `RST ${stream.rstCode}`;
  });
  await flowing(kind, seen);
  return streamOf(kind, seen, () => session.destroy());
}

/** Reads the close frame at the end of the last bytes (RFC 6455 §5.5.1). */
function closeIn(bytes: Buffer): string {
  const at = bytes.indexOf(0x88);
  return at < 0 ? 'complete' : `${bytes.readUInt16BE(at + 2)} ${bytes.subarray(at + 4).toString()}`;
}

/** Opens one stream of every kind. */
export function openEveryKind(door: StreamDoor): Promise<ClientStream[]> {
  return Promise.all([
    openWebSocket(door),
    openHttp1(door, '/events'),
    openHttp1(door, '/download'),
    openHttp2(door, '/events'),
    openHttp2(door, '/download'),
    openHttp2(door, '/ws', true),
  ]);
}

/** What the streams of `openEveryKind` end with when they are cut for a reason. */
export function cutEndings(reason: string): readonly string[] {
  return [`4401 ${reason}`, 'broken', 'broken', 'RST 8', 'RST 8', `4401 ${reason}`];
}
