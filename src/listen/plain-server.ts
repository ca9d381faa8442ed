import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { LimitsConfig } from '../config/config.ts';
import { parseAuthority } from '../lib/canonical-host.ts';
import { canonicalTarget } from './canonical-target.ts';
import { answerChallenge, type Challenges } from './challenge-answers.ts';
import { connectionLimit } from './connection-limit.ts';
import { IdleConnections } from './idle-connections.ts';

/** What the server for plain HTTP needs. */
export interface PlainServerParts {
  readonly limits: LimitsConfig;
  /** Tells whether anything is served for a canonical host. */
  readonly serves: (host: string) => boolean;
  /** Port of the HTTPS endpoint that clients are sent to when they named a port themselves. */
  readonly httpsPort: () => number;
  /** Answers of ACME challenges, given before the redirect. */
  readonly challenges: Challenges;
}

/**
 * Makes the server for plain HTTP: it sends everybody to HTTPS with 308, method and body kept (RFC 9110 §15.4.9).
 *
 * A client that named no port is sent to the default port of HTTPS; one that named a port, to that of our endpoint.
 *
 * Security: only to hosts that are served here, and only to the canonical path, or it would be an open redirect.
 */
export function makePlainServer(parts: PlainServerParts): Server {
  const { limits } = parts;
  const idle = new IdleConnections();
  const server = createServer(
    {
      headersTimeout: limits.headerTimeoutMs,
      requestTimeout: 0,
      keepAliveTimeout: limits.keepAliveMs,
      ...(limits.headerBytes === 0 ? {} : { maxHeaderSize: limits.headerBytes }),
    },
    (req, res) => {
      idle.begin(req.socket, res);
      answerChallenge(req, res, parts.challenges(), () => redirect(req, res, parts));
    },
  );
  const admits = connectionLimit(limits.connectionsPerAddress);
  server.on('connection', (socket) => {
    if (admits(socket)) idle.add(socket);
    else socket.destroy();
  });
  server.on('upgrade', (_req, socket) => socket.destroy());
  return Object.assign(server, { closeIdleConnections: () => idle.close() });
}

function redirect(req: IncomingMessage, res: ServerResponse, parts: PlainServerParts): void {
  const location = locationOf(req, parts);
  res.shouldKeepAlive = false;
  if (location === undefined) {
    res.writeHead(400, { 'content-length': 0 }).end();
    return;
  }
  res.writeHead(308, { location, 'content-length': 0 }).end();
}

function locationOf(req: IncomingMessage, parts: PlainServerParts): string | undefined {
  const hosts = req.headersDistinct.host ?? [];
  const authority = hosts.length === 1 ? parseAuthority(hosts[0] ?? '') : undefined;
  if (authority === undefined || !parts.serves(authority.host)) return undefined;
  const target = canonicalTarget(req.url ?? '');
  if ('fault' in target) return undefined;
  const port = authority.port === undefined ? 443 : parts.httpsPort();
  return `https://${authority.host}${port === 443 ? '' : `:${port}`}${target.path}${target.query}`;
}
