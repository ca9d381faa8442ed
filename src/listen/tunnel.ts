import type { Duplex } from 'node:stream';
import { closeFrame, WebSocketFrames } from './websocket-frames.ts';

/** What went through a tunnel once it is over. */
export interface TunnelEnd {
  readonly bytesOut: number;
}

/** Tells the client to come back with a credential; 4000 to 4999 are for private use (RFC 6455 §7.4.2). */
const CLOSE_CODE = 4401;
/** Longest wait for the end of a frame that is under way when the tunnel is cut. */
const BOUNDARY_MS = 100;
/** Longest wait for the client to take the close frame and go. */
const GOODBYE_MS = 500;
/** Longest wait for the other end to take what is under way once one has ended. */
const LINGER_MS = 5_000;

/**
 * The client's end of a WebSocket joined with the upstream's, byte by byte, until either ends or the tunnel is cut.
 *
 * Security: frames are counted, not judged: whatever they say passes unchanged, so nothing here can disagree with the
 * upstream about them. An upstream that does not keep to frames is cut without a close frame.
 */
export class Tunnel {
  readonly #client: Duplex;
  readonly #upstream: Duplex;
  readonly #onEnd: (end: TunnelEnd) => void;
  readonly #idle: NodeJS.Timeout | undefined;
  readonly #frames = new WebSocketFrames();
  #bound: NodeJS.Timeout | undefined;
  #linger: NodeJS.Timeout | undefined;
  #bytesIn = 0;
  #bytesOut = 0;
  #open = 2;
  /** Why it is being cut. */
  #reason: string | undefined;
  #saidGoodbye = false;

  /**
   * @param idleMs - longest silence in both directions; 0 for no bound
   * @param onEnd - called once, when both ends are gone
   */
  constructor(client: Duplex, upstream: Duplex, idleMs: number, onEnd: (end: TunnelEnd) => void) {
    this.#client = client;
    this.#upstream = upstream;
    this.#onEnd = onEnd;
    if (idleMs > 0) this.#idle = setTimeout(this.#destroyBoth, idleMs).unref();
    client.on('data', (chunk: Buffer) => {
      this.#bytesIn += chunk.length;
      this.#idle?.refresh();
    });
    upstream.on('data', (chunk: Buffer) => this.#fromUpstream(chunk));
    client.on('error', this.#destroyBoth);
    upstream.on('error', this.#destroyBoth);
    client.once('end', () => this.#ended(upstream));
    upstream.once('end', () => this.#ended(client));
    client.once('close', () => this.#closed(upstream));
    upstream.once('close', () => this.#closed(client));
    client.pipe(upstream);
    upstream.pipe(client);
  }

  get bytesIn(): number {
    return this.#bytesIn;
  }

  get bytesOut(): number {
    return this.#bytesOut;
  }

  /**
   * Ends the tunnel within 600 ms: the client gets a close frame 4401 behind the frame that is under way, and nothing
   * of the upstream after it; nothing of the client reaches the upstream any more.
   *
   * @param reason - at most 123 bytes, told to the client
   */
  cut(reason: string): void {
    if (this.#reason !== undefined || this.#open < 2) return;
    this.#reason = reason;
    this.#upstream.unpipe(this.#client);
    this.#client.unpipe(this.#upstream);
    this.#client.resume();
    if (this.#frames.atBoundary) {
      this.#sayGoodbye(reason);
    } else {
      this.#bound = setTimeout(this.#destroyBoth, BOUNDARY_MS).unref();
      this.#upstream.resume();
    }
  }

  #fromUpstream(chunk: Buffer): void {
    if (this.#saidGoodbye) return;
    this.#idle?.refresh();
    let at = 0;
    do at = this.#frames.take(chunk, at);
    while (at < chunk.length && this.#reason === undefined);
    this.#bytesOut += at;
    if (this.#reason === undefined) return;
    // The pipe is gone: only the rest of the frame that was under way still goes through.
    this.#client.write(chunk.subarray(0, at));
    if (this.#frames.atBoundary) this.#sayGoodbye(this.#reason);
  }

  #sayGoodbye(reason: string): void {
    this.#saidGoodbye = true;
    clearTimeout(this.#bound);
    this.#upstream.destroy();
    if (this.#frames.closed) this.#client.end();
    else this.#client.end(closeFrame(CLOSE_CODE, reason));
    this.#bound = setTimeout(() => this.#client.destroy(), GOODBYE_MS).unref();
  }

  /** What was read already still has to reach the other end; beyond that, half a tunnel is of no use to anybody. */
  #ended(other: Duplex): void {
    if (!other.writableEnded) other.end();
    this.#linger ??= setTimeout(this.#destroyBoth, LINGER_MS).unref();
  }

  #closed(other: Duplex): void {
    this.#ended(other);
    this.#open--;
    if (this.#open > 0) return;
    clearTimeout(this.#linger);
    clearTimeout(this.#idle);
    clearTimeout(this.#bound);
    this.#onEnd({ bytesOut: this.#bytesOut });
  }

  readonly #destroyBoth = (): void => {
    this.#client.destroy();
    this.#upstream.destroy();
  };
}
