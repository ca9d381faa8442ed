import type { Socket } from 'node:net';
import type { GatewayError } from '../errors.ts';
import type { ByteSource } from '../lib/byte-source.ts';
import type { ResponseHead } from './response-head.ts';

/** One request as it goes out. */
export interface OutgoingRequest {
  readonly method: string;
  /** Request line and fields as latin1, with the empty line. */
  readonly head: string;
  readonly body: ByteSource | null;
  readonly chunked: boolean;
  /** The client asked for a WebSocket: 101 hands the socket over. */
  readonly upgrade: boolean;
  readonly firstByteMs: number;
  readonly idleMs: number;
  /** Longest silence of an event stream, which is silent as long as there is nothing to tell. */
  readonly streamIdleMs: number;
}

/** How far an exchange had come when it failed. */
export interface BreakDown {
  /** The connection ended before one byte of an answer came. */
  readonly untouched: boolean;
  /** Untouched, on a connection that had served before: the upstream may have closed it as we sent (RFC 9112 §9.3.1). */
  readonly stale: boolean;
}

/** How an exchange with an upstream goes on; exactly one of `answered`, `upgraded`, `failed` is called, once. */
export interface ExchangeEvents {
  interim(status: number, headers: readonly string[]): void;
  answered(head: ResponseHead, body: ByteSource | Uint8Array | null): void;
  upgraded(head: ResponseHead, socket: Socket): void;
  failed(error: GatewayError, how: BreakDown): void;
}
