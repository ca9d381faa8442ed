import { Type } from 'typebox';
import { GatewayError } from '../errors.ts';
import type { AdminApp } from './admin-app.ts';
import { AccountAnswer, AccountBody, answers, NameParams } from './schemas.ts';
import type { GatewayView } from './view.ts';

/** Adds `/v1/users`, and what a person who lost their second factor needs. */
export function addAccountRoutes(app: AdminApp, view: GatewayView['accounts']): void {
  const tags = ['users'];

  app.get('/v1/users', { schema: { tags, response: answers(200, Type.Array(AccountAnswer)) } }, async () =>
    view.list(),
  );
  app.put(
    '/v1/users/:name',
    { schema: { tags, params: NameParams, body: AccountBody, response: answers(200, AccountAnswer) } },
    async (request) => view.put(request.params.name, request.body),
  );
  app.delete(
    '/v1/users/:name',
    { schema: { tags, params: NameParams, response: answers(204, Type.Null()) } },
    async (request, reply) => {
      if (!(await view.remove(request.params.name))) throw new GatewayError('SP_ADMIN_NOT_FOUND');
      return reply.code(204).send();
    },
  );
  app.delete(
    '/v1/users/:name/second-factors',
    { schema: { tags, params: NameParams, response: answers(204, Type.Null()) } },
    async (request, reply) => {
      const existed = await view.resetSecondFactors(request.params.name);
      if (!existed) throw new GatewayError('SP_ADMIN_NOT_FOUND');
      return reply.code(204).send();
    },
  );
}
