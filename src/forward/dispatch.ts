import type { Socket } from 'node:net';
import { GatewayError } from '../errors.ts';
import type { Admitted, Answered, HeaderList } from '../exchange.ts';
import type { ByteSource } from '../lib/byte-source.ts';
import { requestHead } from './request-headers.ts';
import type { ResponseHead } from './response-head.ts';
import type { Target } from './target.ts';
import type { Upstream } from './upstream.ts';
import type { ExchangeEvents, OutgoingRequest, UpstreamConnection } from './upstream-connection.ts';

/** Methods that may be sent twice (RFC 9110 §9.2.2) and that no upstream should act upon. */
const REPEATABLE = new Set(['GET', 'HEAD', 'OPTIONS']);

/**
 * Sends a request to one of the upstream's targets and gives the answer when its head has come.
 *
 * A connection that could not be made is tried on the next target; a connection that ended before one byte of an answer
 * is tried again only for bodiless GET, HEAD and OPTIONS.
 */
export function dispatch(
  admitted: Admitted,
  upstream: Upstream,
  fields: HeaderList,
  body: ByteSource | null,
): Promise<Answered> {
  return new Promise((resolve, reject) => {
    new Dispatch(admitted, upstream, fields, body, { resolve, reject }).attempt();
  });
}

interface Outcome {
  resolve(answered: Answered): void;
  reject(error: GatewayError): void;
}

class Dispatch {
  readonly #admitted: Admitted;
  readonly #upstream: Upstream;
  readonly #fields: HeaderList;
  readonly #body: ByteSource | null;
  readonly #outcome: Outcome;
  readonly #tried: Target[] = [];
  #retriesLeft: number;
  #settled = false;
  #giveUp: () => void = () => {};

  constructor(
    admitted: Admitted,
    upstream: Upstream,
    fields: HeaderList,
    body: ByteSource | null,
    outcome: Outcome,
  ) {
    this.#admitted = admitted;
    this.#upstream = upstream;
    this.#fields = fields;
    this.#body = body;
    this.#outcome = outcome;
    this.#retriesLeft = upstream.config.retries;
    admitted.arrived.onAbort(() => {
      if (this.#settled) return;
      this.#giveUp();
      this.#settle(new GatewayError('SP_FORWARD_CLIENT_GONE', { reason: 'client-gone' }));
    });
  }

  attempt(): void {
    const target = this.#upstream.pick(this.#tried);
    const fresh = this.#tried.includes(target);
    this.#giveUp = target.acquire(
      {
        ready: (connection) => this.#send(target, connection),
        refused: (error) => {
          if (error.code !== 'SP_FORWARD_BUSY') target.failed();
          this.#again(
            target,
            error,
            error.code === 'SP_FORWARD_UNREACHABLE' || error.code === 'SP_FORWARD_TIMEOUT',
          );
        },
      },
      fresh,
    );
  }

  #send(target: Target, connection: UpstreamConnection): void {
    if (this.#settled) {
      connection.destroy();
      return;
    }
    this.#giveUp = () => connection.abandon();
    const startedAt = performance.now();
    connection.send(this.#outgoing(target), this.#events(target, startedAt));
  }

  #outgoing(target: Target): OutgoingRequest {
    const { request } = this.#admitted.arrived;
    const { config } = this.#upstream;
    const host = config.hostHeader === 'client' ? request.authority : target.address;
    return {
      method: request.method,
      head: requestHead(request, host, this.#fields, this.#framing()),
      body: this.#body,
      chunked: request.contentLength === undefined,
      upgrade: request.upgrade !== undefined,
      firstByteMs: config.firstByteMs,
      idleMs: config.idleMs,
    };
  }

  #framing(): string {
    const { request } = this.#admitted.arrived;
    if (request.contentLength !== undefined) return `content-length: ${request.contentLength}\r\n`;
    return this.#body === null ? '' : 'transfer-encoding: chunked\r\n';
  }

  #events(target: Target, startedAt: number): ExchangeEvents {
    const { record, interim } = this.#admitted.arrived;
    const noteHead = (): void => {
      target.succeeded();
      record.upstream = target.address;
      record.upstreamMs = performance.now() - startedAt;
    };
    return {
      interim,
      answered: (head, body) => {
        noteHead();
        this.#settle({ status: head.status, headers: head.headers, body });
      },
      upgraded: (head, socket) => {
        noteHead();
        this.#settle(tunnelAnswer(head, socket));
      },
      failed: (error, untouched) => {
        record.upstream = target.address;
        const ours = error.code === 'SP_FORWARD_CLIENT_GONE' || error.code.startsWith('SP_LISTEN');
        if (!ours) target.failed();
        const repeatable = this.#body === null && REPEATABLE.has(this.#admitted.arrived.request.method);
        this.#again(target, error, untouched && repeatable && error.code !== 'SP_FORWARD_TIMEOUT');
      },
    };
  }

  #again(target: Target, error: GatewayError, allowed: boolean): void {
    if (this.#settled) return;
    if (!allowed || this.#retriesLeft === 0) {
      this.#settle(error);
      return;
    }
    this.#retriesLeft--;
    this.#admitted.arrived.record.retries++;
    this.#tried.push(target);
    try {
      this.attempt();
    } catch {
      this.#settle(error);
    }
  }

  #settle(outcome: Answered | GatewayError): void {
    if (this.#settled) return;
    this.#settled = true;
    if (outcome instanceof GatewayError) this.#outcome.reject(outcome);
    else this.#outcome.resolve(outcome);
  }
}

function tunnelAnswer(head: ResponseHead, socket: Socket): Answered {
  return { status: 101, headers: head.headers, body: null, tunnel: socket };
}
