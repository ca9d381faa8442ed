import type { Socket } from 'node:net';
import { GatewayError } from '../errors.ts';
import type { Admitted, Answered, HeaderList } from '../exchange.ts';
import type { ByteSource } from '../lib/byte-source.ts';
import { release } from '../lib/release.ts';
import { requestHead } from './request-head.ts';
import type { ResponseHead } from './response-head.ts';
import { interimHeaders } from './response-headers.ts';
import type { Target } from './target.ts';
import type { Upstream } from './upstream.ts';
import type { UpstreamConnection } from './upstream-connection.ts';
import type { ExchangeEvents, OutgoingRequest } from './upstream-exchange.ts';
import { upstreamPath } from './upstream-path.ts';

/** Methods that may be sent twice (RFC 9110 §9.2.2) and that no upstream should act upon. */
const REPEATABLE = new Set(['GET', 'HEAD', 'OPTIONS']);
const EXPECTS_BODY = new Set(['POST', 'PUT', 'PATCH']);

/**
 * Sends a request to one of the upstream's targets and gives the answer when its head has come.
 *
 * When a connection cannot be made, every other target is tried once; a connection that ended before one byte of an
 * answer is tried again only for bodiless GET, HEAD and OPTIONS, as often as the upstream's `retries` say.
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
      this.#settle(new GatewayError('SP_FORWARD_CLIENT_GONE', { reason: 'client-gone' }));
      this.#giveUp();
    });
  }

  attempt(): void {
    if (this.#settled) return;
    const target = this.#upstream.pick(this.#tried);
    const leave = target.acquire(
      {
        ready: (connection) => this.#send(target, connection),
        refused: (error) => {
          if (error.code !== 'SP_FORWARD_BUSY') target.failed();
          this.#tried.push(target);
          // Nothing was sent: any method may try its luck elsewhere, once at each target.
          if (this.#upstream.hasUntried(this.#tried)) this.#again(error);
          else this.#settle(error);
        },
      },
      this.#tried.length > 0,
    );
    if (leave !== undefined) this.#giveUp = leave;
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
      head: requestHead(
        { ...request, path: upstreamPath(this.#admitted) },
        host,
        this.#fields,
        this.#framing(),
      ),
      body: this.#body,
      chunked: request.contentLength === undefined,
      upgrade: request.upgrade !== undefined,
      firstByteMs: config.firstByteMs,
      idleMs: config.idleMs,
      streamIdleMs: this.#admitted.route.config.streamIdleMs,
    };
  }

  #framing(): string {
    const { request } = this.#admitted.arrived;
    if (request.contentLength !== undefined) return `content-length: ${request.contentLength}\r\n`;
    if (this.#body !== null) return 'transfer-encoding: chunked\r\n';
    // RFC 9110 §8.6: where a body is expected, its absence is said.
    return EXPECTS_BODY.has(request.method) ? 'content-length: 0\r\n' : '';
  }

  #events(target: Target, startedAt: number): ExchangeEvents {
    const { record, interim } = this.#admitted.arrived;
    const noteHead = (): void => {
      target.succeeded();
      record.upstream = target.address;
      record.upstreamMs = performance.now() - startedAt;
    };
    return {
      interim: (status, headers) => interim(status, interimHeaders(headers)),
      answered: (head, body) => {
        noteHead();
        this.#settle({ status: head.status, headers: head.headers, body });
      },
      upgraded: (head, socket) => {
        noteHead();
        this.#settle(tunnelAnswer(head, socket));
      },
      failed: (error, { untouched, stale }) => {
        record.upstream = target.address;
        const ours = error.code === 'SP_FORWARD_CLIENT_GONE' || error.code.startsWith('SP_LISTEN');
        if (!ours && !stale) target.failed();
        const repeatable = this.#body === null && REPEATABLE.has(this.#admitted.arrived.request.method);
        if (!untouched || !repeatable || error.code === 'SP_FORWARD_TIMEOUT' || this.#retriesLeft === 0) {
          this.#settle(error);
          return;
        }
        this.#retriesLeft--;
        this.#tried.push(target);
        this.#again(error);
      },
    };
  }

  #again(error: GatewayError): void {
    if (this.#settled) return;
    this.#admitted.arrived.record.retries++;
    try {
      this.attempt();
    } catch {
      this.#settle(error);
    }
  }

  #settle(outcome: Answered | GatewayError): void {
    if (this.#settled) {
      if (!(outcome instanceof GatewayError)) release(outcome);
      return;
    }
    this.#settled = true;
    if (outcome instanceof GatewayError) this.#outcome.reject(outcome);
    else this.#outcome.resolve(outcome);
  }
}

function tunnelAnswer(head: ResponseHead, socket: Socket): Answered {
  return { status: 101, headers: head.headers, body: null, tunnel: socket };
}
