import { Type } from 'typebox';
import { GatewayError } from '../errors.ts';
import type { AdminApp } from './admin-app.ts';
import { answers, IdParams, StreamAnswer } from './schemas.ts';
import type { GatewayView } from './view.ts';

/** Adds `/v1/streams`: what is open in the process that answers, and its end. */
export function addStreamRoutes(app: AdminApp, streams: GatewayView['streams']): void {
  const tags = ['streams'];

  app.get('/v1/streams', { schema: { tags, response: answers(200, Type.Array(StreamAnswer)) } }, async () =>
    streams.list(),
  );
  app.delete(
    '/v1/streams/:id',
    { schema: { tags, params: IdParams, response: answers(204, Type.Null()) } },
    async (request, reply) => {
      if (!streams.cut(request.params.id)) throw new GatewayError('SP_ADMIN_NOT_FOUND');
      return reply.code(204).send();
    },
  );
}
