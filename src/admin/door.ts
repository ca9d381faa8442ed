import { randomUUID } from 'node:crypto';
import type { IncomingMessage, RequestListener, ServerResponse } from 'node:http';
import { asGatewayError, GatewayError } from '../errors.ts';
import type { Logger } from '../lib/logger.ts';
import type { Secret } from '../lib/secret.ts';
import { makeBearerCheck } from './bearer.ts';
import { makeGuard } from './guard.ts';
import { OPEN_PATHS } from './house-routes.ts';
import { writeProblem } from './write-problem.ts';

export interface DoorOptions {
  readonly token: Secret;
  readonly hosts: readonly string[];
  readonly logger: Logger;
}

/**
 * Gives the one entrance to the admin API: guard, then credential, then the app.
 *
 * Security: it stands before the app's router, so that no path, method or parse error of the app comes before it.
 */
export function makeDoor({ token, hosts, logger }: DoorOptions, app: RequestListener): RequestListener {
  const guard = makeGuard(hosts);
  const bears = makeBearerCheck(token);
  return (request, response) => {
    try {
      guard(request);
      if (!isOpen(request) && !bears(request.headers.authorization)) throw unauthorized(request);
    } catch (thrown) {
      refuse(asGatewayError(thrown), request, response, logger);
      return;
    }
    app(request, response);
  };
}

function isOpen(request: IncomingMessage): boolean {
  const path = (request.url ?? '').split('?', 1)[0] ?? '';
  return (request.method === 'GET' || request.method === 'HEAD') && OPEN_PATHS.has(path);
}

function unauthorized(request: IncomingMessage): GatewayError {
  const reason = request.headers.authorization === undefined ? 'absent' : 'wrong';
  return new GatewayError('SP_ADMIN_UNAUTHORIZED', { reason, headers: ['www-authenticate', 'Bearer'] });
}

function refuse(
  error: GatewayError,
  request: IncomingMessage,
  response: ServerResponse,
  logger: Logger,
): void {
  const requestId = randomUUID();
  const address = request.socket.remoteAddress;
  logger[error.level](
    { requestId, code: error.code, reason: error.reason, address },
    'admin request refused',
  );
  // The body of a refused request is not read.
  response.shouldKeepAlive = false;
  writeProblem(response, error, requestId);
}
