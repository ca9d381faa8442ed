import type { ServerResponse } from 'node:http';
import type { Duplex } from 'node:stream';
import type { GatewayError } from '../errors.ts';
import { problemOf } from './problem.ts';

/** Writes the whole answer of a failure that happened outside the app's own error path. */
export function writeProblem(response: ServerResponse, error: GatewayError, requestId: string): void {
  const body = JSON.stringify(problemOf(error, requestId));
  response.writeHead(error.status, [...error.headers, ...problemHeaders(body)]);
  response.end(body);
}

/** Writes the answer to bytes that are not a request, and ends the connection. */
export function writeRawProblem(socket: Duplex, error: GatewayError, requestId: string): void {
  const body = JSON.stringify(problemOf(error, requestId));
  const headers = problemHeaders(body);
  const lines = headers.flatMap((text, at) => (at % 2 === 0 ? [`${text}: ${headers[at + 1]}`] : []));
  socket.end(`HTTP/1.1 ${error.status} Refused\r\n${lines.join('\r\n')}\r\nconnection: close\r\n\r\n${body}`);
}

function problemHeaders(body: string): string[] {
  return [
    'content-type',
    'application/problem+json',
    'cache-control',
    'no-store',
    'content-length',
    String(Buffer.byteLength(body)),
  ];
}
