import { Type } from 'typebox';
import { GatewayError } from '../errors.ts';
import type { AdminApp } from './admin-app.ts';
import {
  answers,
  CountAnswer,
  IdParams,
  RevocationBody,
  SessionAnswer,
  SessionQuery,
  SessionQueryRequired,
  TokenAnswer,
  TokenBody,
} from './schemas.ts';
import type { GatewayView } from './view.ts';

const DEFAULT_TTL_SEC = 3600;

/** Adds `/v1/sessions`, `/v1/revocations` and `/v1/tokens`: everything that begins or ends a credential. */
export function addSessionRoutes(app: AdminApp, view: GatewayView): void {
  const tags = ['sessions'];

  app.get(
    '/v1/sessions',
    { schema: { tags, querystring: SessionQuery, response: answers(200, Type.Array(SessionAnswer)) } },
    async (request) => view.sessions.list(request.query.user),
  );
  app.delete(
    '/v1/sessions/:id',
    { schema: { tags, params: IdParams, response: answers(204, Type.Null()) } },
    async (request, reply) => {
      if (!(await view.sessions.revoke(request.params.id))) throw new GatewayError('SP_ADMIN_NOT_FOUND');
      return reply.code(204).send();
    },
  );
  app.delete(
    '/v1/sessions',
    { schema: { tags, querystring: SessionQueryRequired, response: answers(200, CountAnswer) } },
    async (request) => ({
      ended: await view.sessions.revokeAll(request.query.user, request.query.keys === 'true'),
    }),
  );
  app.post(
    '/v1/revocations',
    { schema: { tags, body: RevocationBody, response: answers(204, Type.Null()) } },
    async (request, reply) => {
      const { body } = request;
      await view.revokeTokens(
        'jti' in body ? { jti: body.jti } : { subject: body.subject, beforeSec: body.before },
      );
      return reply.code(204).send();
    },
  );
  app.post(
    '/v1/tokens',
    { schema: { tags, body: TokenBody, response: answers(200, TokenAnswer) } },
    async (request, reply) => {
      const { subject, groups = [], ttlSec = DEFAULT_TTL_SEC } = request.body;
      // RFC 6749 §5.1: an answer that holds a token is not stored.
      reply.header('cache-control', 'no-store');
      return view.issueToken({ subject, groups, ttlSec });
    },
  );
}
