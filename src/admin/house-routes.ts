import { Type } from 'typebox';
import type { AdminApp } from './admin-app.ts';
import {
  answers,
  GenerationAnswer,
  HealthAnswer,
  OpenReadinessAnswer,
  ReadinessAnswer,
  RouteAnswer,
  UpstreamAnswer,
} from './schemas.ts';
import type { GatewayView } from './view.ts';

/** Paths that answer without the token. Security: the door compares them with the path as it was sent, byte by byte. */
export const OPEN_PATHS: ReadonlySet<string> = new Set(['/healthz', '/readyz', '/metrics']);

/** Adds health, readiness, metrics, the lists of routes and upstreams, and reload. */
export function addHouseRoutes(app: AdminApp, view: GatewayView): void {
  app.get(
    '/healthz',
    { schema: { tags: ['house'], security: [], response: answers(200, HealthAnswer) } },
    async () => ({ status: 'ok' }),
  );
  app.get(
    '/readyz',
    {
      schema: {
        tags: ['house'],
        security: [],
        response: answers(200, OpenReadinessAnswer, { 503: OpenReadinessAnswer }),
      },
    },
    async (_request, reply) => {
      const readiness = view.readiness();
      return reply.code(readiness.ready ? 200 : 503).send(readiness);
    },
  );
  app.get(
    '/metrics',
    { schema: { tags: ['house'], security: [], produces: ['text/plain'] } },
    async (_request, reply) =>
      reply.type('text/plain; version=0.0.4; charset=utf-8').send(await view.metrics()),
  );
  app.get(
    '/v1/readiness',
    { schema: { tags: ['house'], response: answers(200, ReadinessAnswer) } },
    async () => view.readiness(),
  );
  app.get(
    '/v1/routes',
    { schema: { tags: ['house'], response: answers(200, Type.Array(RouteAnswer)) } },
    async () => view.routes(),
  );
  app.get(
    '/v1/upstreams',
    { schema: { tags: ['house'], response: answers(200, Type.Array(UpstreamAnswer)) } },
    async () => view.upstreams(),
  );
  app.post(
    '/v1/reload',
    { schema: { tags: ['house'], response: answers(200, GenerationAnswer) } },
    async () => view.reload(),
  );
}
