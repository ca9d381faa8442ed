import { Type } from 'typebox';
import type { AdminApp } from './admin-app.ts';
import { AuditAnswer, AuditQuery, answers } from './schemas.ts';
import type { GatewayView } from './view.ts';

const DEFAULT_LIMIT = 100;
/** What the command line says of itself; whoever holds the token may say so too, it is no proof. */
const CLI_AGENT = /^sallyport-cli\b/;

/** Adds `/v1/audit`, the newest entry first, and has every request that changes something written down. */
export function addAuditRoutes(app: AdminApp, audit: GatewayView['audit']): void {
  app.get(
    '/v1/audit',
    { schema: { tags: ['audit'], querystring: AuditQuery, response: answers(200, Type.Array(AuditAnswer)) } },
    async ({ query }) => audit.list(Number(query.limit ?? DEFAULT_LIMIT), query.after),
  );
}

/** Writes down requests that were to change something; called before any route is added. */
export function addAuditTrail(app: AdminApp, audit: GatewayView['audit']): void {
  const failed = new WeakMap<object, string>();
  app.addHook('onError', async (request, _reply, error) => {
    failed.set(request, error.code);
  });
  app.addHook('onResponse', async (request, reply) => {
    const { method, routeOptions, ip, params, headers } = request;
    if (method === 'GET' || method === 'HEAD' || request.is404) return;
    audit.record({
      who: CLI_AGENT.test(headers['user-agent'] ?? '') ? 'cli' : 'admin-token',
      address: ip,
      what: `${method} ${routeOptions.url ?? ''}`,
      target: targetOf(params),
      outcome: reply.statusCode < 400 ? 'done' : 'failed',
      code: failed.get(request),
    });
  });
}

function targetOf(params: unknown): string | undefined {
  if (typeof params !== 'object' || params === null) return undefined;
  const [first] = Object.values(params);
  return typeof first === 'string' ? first : undefined;
}
