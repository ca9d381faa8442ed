import type { Arrived } from '../exchange.ts';
import type { Clock } from '../lib/clock.ts';
import { systemClock } from '../lib/clock.ts';
import { jsonText } from './json-text.ts';
import type { LogSink } from './log-sink.ts';

/** An exchange that is over, as the corridor hands it to the recorder. */
export interface FinishedExchange {
  readonly arrived: Pick<Arrived, 'id' | 'startedAtMs' | 'request' | 'client' | 'record'>;
  readonly status: number;
  /** Bytes of the answer's body that were given to the client. */
  readonly bytesOut: number;
  /** `performance.now()` at the end, milliseconds. */
  readonly endedAtMs: number;
  /** The answer was not completed: the client went away, or, where the record has a code, something here broke off. */
  readonly aborted: boolean;
}

/** A request that was refused before it could be read: it has no canonical form. */
export interface RefusedRequest {
  /** As the answer names it; `undefined` when there was none. */
  readonly id: string | undefined;
  /** IP address of the socket's other end. */
  readonly peer: string;
  readonly code: string;
  /** Private explanation; no text of the client. */
  readonly detail: string | undefined;
  readonly status: number;
  readonly http: '1.1' | '2' | undefined;
}

export interface AccessLog {
  finished(exchange: FinishedExchange): void;
  refused(request: RefusedRequest): void;
}

/** Longest text of a client that a line carries, characters. */
const LONGEST_TEXT = 1024;

/**
 * Gives the access log: one JSON line per exchange, formatted by hand because that costs a third of the general way.
 *
 * Fields without a value are left out. Security: no header value, query or body is ever written; text is escaped, so
 * that no client can forge a line or steer a terminal.
 */
export function makeAccessLog(destination: Pick<LogSink, 'write'>, clock: Clock = systemClock): AccessLog {
  const thousandths = Array.from({ length: 1000 }, (_, n) => String(n).padStart(3, '0'));
  let second = Number.NaN;
  let secondText = '';

  const time = (): string => {
    const now = Math.floor(clock());
    const millis = now % 1000;
    const start = now - millis;
    if (start !== second) {
      second = start;
      secondText = new Date(start).toISOString().slice(0, 20);
    }
    return `${secondText}${thousandths[millis]}Z`;
  };
  const millis = (value: number): string => {
    const micros = Math.max(0, Math.round(value * 1000));
    const whole = Math.floor(micros / 1000);
    return `${whole}.${thousandths[micros - whole * 1000]}`;
  };

  const finished = (exchange: FinishedExchange): void => {
    const { id, request, client, record, startedAtMs } = exchange.arrived;
    let line = `{"time":"${time()}","log":"access","id":${jsonText(id)},"address":${jsonText(client.address)}`;
    if (record.user !== undefined) line += `,"user":${text(record.user)}`;
    line += `,"host":${text(request.host)},"method":${text(request.method)},"path":${text(request.path)}`;
    line += `,"status":${exchange.status},"bytes":${exchange.bytesOut}`;
    line += `,"durationMs":${millis(exchange.endedAtMs - startedAtMs)}`;
    if (record.route !== undefined) line += `,"route":${jsonText(record.route)}`;
    if (record.decision !== undefined) line += `,"decision":"${record.decision}"`;
    if (record.reason !== undefined) line += `,"reason":${jsonText(record.reason)}`;
    if (record.code !== undefined) line += `,"code":"${record.code}"`;
    if (record.detail !== undefined) line += `,"detail":${text(record.detail)}`;
    if (record.upstream !== undefined) line += `,"upstream":${jsonText(record.upstream)}`;
    if (record.upstreamMs !== undefined) line += `,"upstreamMs":${millis(record.upstreamMs)}`;
    if (record.method !== undefined) line += `,"authenticate":"${record.method}"`;
    if (record.authenticateMs !== undefined) line += `,"authenticateMs":${millis(record.authenticateMs)}`;
    line += `,"http":"${client.http}","tls":"${client.tlsProtocol}"`;
    if (record.retries > 0) line += `,"retries":${record.retries}`;
    destination.write(exchange.aborted ? `${line},"aborted":true}\n` : `${line}}\n`);
  };

  const refused = (request: RefusedRequest): void => {
    let line = `{"time":"${time()}","log":"access"`;
    if (request.id !== undefined) line += `,"id":${jsonText(request.id)}`;
    line += `,"address":${jsonText(request.peer)},"status":${request.status}`;
    line += `,"decision":"failed","code":"${request.code}"`;
    if (request.detail !== undefined) line += `,"detail":${text(request.detail)}`;
    destination.write(request.http === undefined ? `${line}}\n` : `${line},"http":"${request.http}"}\n`);
  };

  return { finished, refused };
}

function text(value: string): string {
  return jsonText(value.length > LONGEST_TEXT ? `${value.slice(0, LONGEST_TEXT)}...` : value);
}
