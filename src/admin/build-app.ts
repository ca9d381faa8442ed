import { randomUUID } from 'node:crypto';
import swagger from '@fastify/swagger';
import { fastify } from 'fastify';
import { GatewayError } from '../errors.ts';
import type { Logger } from '../lib/logger.ts';
import { addAccountRoutes } from './account-routes.ts';
import type { AdminApp, TypeboxProvider } from './admin-app.ts';
import { addApiKeyRoutes } from './api-key-routes.ts';
import { addAuditRoutes, addAuditTrail } from './audit-routes.ts';
import { addCertificateRoutes } from './certificate-routes.ts';
import { addHouseRoutes } from './house-routes.ts';
import { makeKnownPaths } from './known-paths.ts';
import { asAdminError, BODY_BYTES, problemOf } from './problem.ts';
import { addSessionRoutes } from './session-routes.ts';
import { addStreamRoutes } from './stream-routes.ts';
import type { GatewayView } from './view.ts';
import { writeProblem } from './write-problem.ts';

/** A name of 128 characters, each percent-encoded. */
const PARAM_LENGTH = 384;

export interface AppOptions {
  readonly view: GatewayView;
  readonly logger: Logger;
}

/**
 * Gives the admin API as a Fastify app that is ready and does not listen.
 *
 * Security: it asks nobody who they are; only `door.ts` may stand in front of it.
 */
export async function buildApp({ view, logger }: AppOptions): Promise<AdminApp> {
  const app: AdminApp = fastify({
    logger: false,
    bodyLimit: BODY_BYTES,
    genReqId: () => randomUUID(),
    // Nothing is coerced, filled in or dropped: a body means what it says or is refused.
    ajv: {
      customOptions: { coerceTypes: false, removeAdditional: false, useDefaults: false, allErrors: true },
    },
    routerOptions: { maxParamLength: PARAM_LENGTH },
    frameworkErrors: (error, request, reply) => {
      writeProblem(reply.raw, asAdminError(error), request.id);
    },
  }).withTypeProvider<TypeboxProvider>();
  app.removeContentTypeParser('text/plain');
  await addDescription(app);
  addFailures(app, logger);
  app.addHook('onSend', async (_request, reply) => {
    reply.header('x-content-type-options', 'nosniff');
    if (reply.getHeader('cache-control') === undefined) reply.header('cache-control', 'no-store');
  });
  app.addHook('preValidation', async (request) => {
    if (request.body != null && !request.is404 && request.routeOptions.schema?.body === undefined) {
      throw new GatewayError('SP_ADMIN_BAD_REQUEST', { problems: ['This request takes no body'] });
    }
  });
  app.addHook('onResponse', async (request, reply) => {
    const { method, routeOptions, ip, params } = request;
    const fields = { requestId: request.id, method, route: routeOptions.url, params, address: ip };
    const level = method === 'GET' || method === 'HEAD' ? 'debug' : 'info';
    logger[level]({ ...fields, status: reply.statusCode }, 'admin request');
  });
  addAuditTrail(app, view.audit);
  addHouseRoutes(app, view);
  addAuditRoutes(app, view.audit);
  addCertificateRoutes(app, view.certificates);
  addAccountRoutes(app, view.accounts);
  addApiKeyRoutes(app, view.apiKeys);
  addSessionRoutes(app, view);
  addStreamRoutes(app, view.streams);
  app.get('/openapi.json', { schema: { hide: true } }, async () => app.swagger());
  await app.ready();
  return app;
}

async function addDescription(app: AdminApp): Promise<void> {
  await app.register(swagger, {
    openapi: {
      openapi: '3.1.0',
      info: { title: 'Sallyport admin API', version: '1' },
      components: { securitySchemes: { token: { type: 'http', scheme: 'bearer' } } },
      security: [{ token: [] }],
    },
  });
}

function addFailures(app: AdminApp, logger: Logger): void {
  const known = makeKnownPaths();
  app.addHook('onRoute', (route) => known.add(route.url, route.method));
  app.setNotFoundHandler((request) => {
    const methods = known.methodsOf(request.url.replace(/\?.*$/s, ''));
    if (methods.length === 0) throw new GatewayError('SP_ADMIN_NOT_FOUND');
    throw new GatewayError('SP_ADMIN_METHOD_REFUSED', { headers: ['allow', methods.join(', ')] });
  });
  app.setErrorHandler((thrown, request, reply) => {
    const failure = asAdminError(thrown);
    const { code, detail, reason, level } = failure;
    const cause = code === 'SP_INTERNAL' ? failure.cause : undefined;
    logger[level]({ requestId: request.id, code, detail, reason, cause }, 'admin request failed');
    for (let at = 0; at + 1 < failure.headers.length; at += 2) {
      reply.header(failure.headers[at] ?? '', failure.headers[at + 1]);
    }
    return reply
      .code(failure.status)
      .type('application/problem+json')
      .serializer(JSON.stringify)
      .send(problemOf(failure, request.id));
  });
}
