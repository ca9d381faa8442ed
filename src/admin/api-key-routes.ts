import { Type } from 'typebox';
import { GatewayError } from '../errors.ts';
import type { AdminApp } from './admin-app.ts';
import { ApiKeyAnswer, ApiKeyBody, answers, IdParams, NewApiKeyAnswer, OwnerQuery } from './schemas.ts';
import type { GatewayView } from './view.ts';

/** Adds `/v1/api-keys`: app passwords, which are shown once, where they are made. */
export function addApiKeyRoutes(app: AdminApp, view: GatewayView['apiKeys']): void {
  const tags = ['api-keys'];

  app.get(
    '/v1/api-keys',
    { schema: { tags, querystring: OwnerQuery, response: answers(200, Type.Array(ApiKeyAnswer)) } },
    async (request) => view.list(request.query.owner),
  );
  app.post(
    '/v1/api-keys',
    { schema: { tags, body: ApiKeyBody, response: answers(200, NewApiKeyAnswer) } },
    async (request, reply) => {
      reply.header('cache-control', 'no-store');
      return view.create(request.body);
    },
  );
  app.delete(
    '/v1/api-keys/:id',
    { schema: { tags, params: IdParams, response: answers(204, Type.Null()) } },
    async (request, reply) => {
      if (!(await view.revoke(request.params.id))) throw new GatewayError('SP_ADMIN_NOT_FOUND');
      return reply.code(204).send();
    },
  );
}
