import type { Answered } from '../exchange.ts';

/** What an open stream is: a WebSocket, a stream of server-sent events, or any other answer that takes long. */
export type StreamKind = 'websocket' | 'sse' | 'body';

/** Gives the kind of an answer that streams, by its head alone. */
export function kindOf({ tunnel, headers }: Answered): StreamKind {
  if (tunnel !== undefined) return 'websocket';
  for (let i = 0; i < headers.length; i += 2) {
    if (headers[i] === 'content-type') return isEventStream(headers[i + 1] ?? '') ? 'sse' : 'body';
  }
  return 'body';
}

function isEventStream(type: string): boolean {
  return type.slice(0, 'text/event-stream'.length).toLowerCase() === 'text/event-stream';
}
