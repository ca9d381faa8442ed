/**
 * ROOM 1. Comes in: a request as node's HTTP/1.1 or HTTP/2 server gives it. Goes out: an `Arrived`, and a `Responder`.
 */
import { randomBytes } from 'node:crypto';
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { ServerHttp2Stream } from 'node:http2';
import type { Socket } from 'node:net';
import { asGatewayError, GatewayError } from '../errors.ts';
import type { Arrived, CanonicalRequest, Client, ExchangeRecord } from '../exchange.ts';
import type { ByteSource } from '../lib/byte-source.ts';
import { makeCanonicalRequest, type RequestBounds } from './canonical-request.ts';
import { clientAddress } from './client-address.ts';
import type { Connection } from './connection.ts';
import { failureAnswer } from './failure-answer.ts';
import { Http1Responder } from './http1-responder.ts';
import { Http1Turns } from './http1-turns.ts';
import { Http2Responder } from './http2-responder.ts';
import { type Incoming2, type RawRequest, rawHttp1, rawHttp2, rawUpgrade } from './raw-request.ts';
import { requestBody } from './request-body.ts';
import type { Responder } from './responder.ts';
import type { Silence } from './silence.ts';
import { UpgradeResponder } from './upgrade-responder.ts';

/** What listens at the other end of this room: the corridor of the present house. */
export interface Corridor {
  serve(arrived: Arrived, responder: Responder): void;
  /** A request that could not be read; it is logged, and answered already under the id, if it is answered. */
  refused(failure: GatewayError, connection: Connection, id?: string): void;
  /** Tells whether an address is a trusted proxy's. */
  trusted(address: string): boolean;
  /** Longest silence on a tunnel of this exchange's route, milliseconds. */
  streamIdleMs(record: ExchangeRecord): number;
}

/** Bounds on a request and on how long its client may be silent. */
export interface ArrivalRules extends RequestBounds {
  readonly bodyIdleMs: number;
}

/** Takes requests from node's servers to the corridor; one per process. */
export interface Arrivals {
  http1(req: IncomingMessage, res: ServerResponse, connection: Connection): void;
  upgrade(req: IncomingMessage, socket: Socket, head: Buffer, connection: Connection): void;
  http2(stream: ServerHttp2Stream, incoming: Incoming2, connection: Connection): void;
}

/** Gives the arrivals for a corridor that is asked anew for every request. */
export function makeArrivals(corridor: () => Corridor, rules: ArrivalRules): Arrivals {
  const canonical = makeCanonicalRequest(rules);
  const prefix = randomBytes(6).toString('hex');
  let count = 0;
  const turns = new Http1Turns();
  const nextId = (): string => `${prefix}${(count++).toString(36).padStart(6, '0')}`;

  const silenceOf = (record: ExchangeRecord): Silence => ({
    streamIdleMs: () => corridor().streamIdleMs(record),
    stallMs: rules.bodyIdleMs,
  });

  const enter = (way: Way): void => arrive(way, corridor(), nextId(), canonical);

  return {
    http1(req, res, connection) {
      const responder = new Http1Responder(req, res, rules.bodyIdleMs);
      const way = {
        raw: () => rawHttp1(req, undefined),
        body: (request: CanonicalRequest) => http1Body(req, request, rules.bodyIdleMs, responder.askForBody),
        record: newRecord(),
        responder,
        connection,
        unreadable: () => {
          responder.last = true;
        },
      };
      const turn = {
        isLast: () => responder.last,
        socket: req.socket,
        response: res,
        serve: () => enter(way),
      };
      if (turns.take(connection, turn)) return;
      corridor().refused(
        new GatewayError('SP_LISTEN_BAD_REQUEST', { reason: 'pipeline-too-long' }),
        connection,
      );
    },
    upgrade(req, socket, head, connection) {
      // Behind requests that wait for their answers there is no place for a tunnel: those are answered, and that is all.
      if (!turns.idle(connection, () => socket.end())) {
        socket.on('error', () => socket.destroy());
        return;
      }
      const record = newRecord();
      const responder = new UpgradeResponder(req, socket, head, silenceOf(record));
      enter({ raw: () => rawUpgrade(req), body: () => null, record, responder, connection });
    },
    http2(stream, incoming, connection) {
      const record = newRecord();
      const method = String(incoming.headers[':method'] ?? '');
      const responder = new Http2Responder(stream, method, silenceOf(record));
      enter({
        raw: () => rawHttp2(incoming, method),
        body: (request) =>
          incoming.ended || request.upgrade !== undefined
            ? null
            : http2Body(stream, incoming, rules.bodyIdleMs, responder),
        record,
        responder,
        connection,
      });
    },
  };
}

/** How one request is read and answered, whatever its protocol. */
interface Way {
  readonly raw: () => RawRequest;
  readonly body: (request: CanonicalRequest) => ByteSource | null;
  readonly record: ExchangeRecord;
  readonly responder: Responder & Pick<Arrived, 'interim' | 'onAbort'>;
  readonly connection: Connection;
  /** Called before the answer to a request that cannot be read. */
  readonly unreadable?: () => void;
}

/** Builds the card and sends it on its way; a request that cannot be read is answered here. */
function arrive(
  way: Way,
  house: Corridor,
  id: string,
  canonical: (raw: RawRequest) => CanonicalRequest,
): void {
  let request: CanonicalRequest;
  let client: Client;
  try {
    request = canonical(way.raw());
    client = clientOf(way.connection, request, house);
  } catch (thrown) {
    const failure = asGatewayError(thrown);
    house.refused(failure, way.connection, id);
    way.unreadable?.();
    way.responder.answer(failureAnswer(failure, undefined, id), () => {});
    return;
  }
  house.serve(
    {
      id,
      startedAtMs: performance.now(),
      request,
      client,
      body: way.body(request),
      record: way.record,
      interim: way.responder.interim,
      onAbort: way.responder.onAbort,
    },
    way.responder,
  );
}

function http1Body(
  req: IncomingMessage,
  request: CanonicalRequest,
  idleMs: number,
  onStart: () => void,
): ByteSource | null {
  const chunked = req.headers['transfer-encoding'] !== undefined;
  if (!chunked && (request.contentLength ?? 0) === 0) return null;
  return requestBody(req, idleMs, onStart, () => lowerNames(req.rawTrailers));
}

function http2Body(
  stream: ServerHttp2Stream,
  { headers }: Incoming2,
  idleMs: number,
  responder: Http2Responder,
): ByteSource {
  let trailers: readonly string[] = [];
  stream.once('trailers', (_fields: unknown, _flags: unknown, raw: readonly string[]) => {
    trailers = raw;
  });
  const onStart = (): void => {
    if (headers.expect?.toLowerCase() === '100-continue') responder.askForBody();
  };
  return requestBody(stream, idleMs, onStart, () => lowerNames(trailers));
}

function lowerNames(flat: readonly string[]): string[] {
  return flat.map((text, i) => (i % 2 === 0 ? text.toLowerCase() : text));
}

function clientOf(connection: Connection, request: CanonicalRequest, house: Corridor): Client {
  const address = clientAddress(connection.peer, request.headers, house.trusted);
  return address === connection.peer ? connection.client : { ...connection.client, address };
}

function newRecord(): ExchangeRecord {
  return {
    route: undefined,
    user: undefined,
    method: undefined,
    decision: undefined,
    reason: undefined,
    code: undefined,
    detail: undefined,
    upstream: undefined,
    upstreamMs: undefined,
    authenticateMs: undefined,
    retries: 0,
    failedSignIn: undefined,
  };
}
