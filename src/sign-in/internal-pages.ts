/**
 * The gateway's own pages under `/.sallyport/`. Comes in: an `Admitted` request. Goes out: the answer of a Fastify page.
 */
import { AsyncLocalStorage } from 'node:async_hooks';
import fastify, { type FastifyInstance, type InjectOptions } from 'fastify';
import { asGatewayError, GatewayError } from '../errors.ts';
import type { Admitted, Answered, Identity } from '../exchange.ts';
import { RESERVED_PATH } from './internal-routes.ts';

export interface InternalPagesParts {
  /** Public keys of the tokens and assertions that the gateway signs (RFC 7517 §5). */
  readonly jwks: () => object;
  /** Issues a session-bound token for whoever is admitted. */
  readonly issueToken: (identity: Identity, admitted: Admitted) => Promise<object>;
}

interface Visit {
  readonly admitted: Admitted;
  failure: GatewayError | undefined;
}

/**
 * Gives the internal upstream.
 *
 * Security: the request travels as the object that the corridor admitted, never as header fields, so that no client can
 * forge who is asking.
 */
export async function makeInternalPages(
  parts: InternalPagesParts,
): Promise<(admitted: Admitted) => Promise<Answered>> {
  const present = new AsyncLocalStorage<Visit>();
  const app = fastify({ logger: false });
  app.setNotFoundHandler(() => {
    throw new GatewayError('SP_SIGN_IN_NOT_FOUND', { reason: 'no-page' });
  });
  app.setErrorHandler((thrown, _request, reply) => {
    const visit = present.getStore();
    if (visit !== undefined) visit.failure = asGatewayError(thrown);
    return reply.status(500).send();
  });
  addPages(app, parts, present);
  await app.ready();

  return async (admitted) => {
    const { request, body } = admitted.arrived;
    body?.cancel();
    const visit: Visit = { admitted, failure: undefined };
    // `inject` starts when it is awaited, so it has to be awaited inside.
    const injected = await present.run(
      visit,
      async () =>
        await app.inject({
          method: request.method as NonNullable<InjectOptions['method']>,
          url: request.path + request.query,
        }),
    );
    if (visit.failure !== undefined) throw visit.failure;
    if (injected.statusCode >= 500) throw new GatewayError('SP_INTERNAL', { reason: 'page-failed' });
    return {
      status: injected.statusCode,
      headers: [
        'content-type',
        String(injected.headers['content-type'] ?? 'application/json'),
        'cache-control',
        String(injected.headers['cache-control'] ?? 'no-store'),
      ],
      body: request.method === 'HEAD' ? null : injected.rawPayload,
    };
  };
}

function addPages(app: FastifyInstance, parts: InternalPagesParts, present: AsyncLocalStorage<Visit>): void {
  app.get(`${RESERVED_PATH}/jwks.json`, (_request, reply) =>
    reply.header('cache-control', 'public, max-age=300').send(parts.jwks()),
  );
  app.get(`${RESERVED_PATH}/whoami`, async () => {
    const { identity, arrived } = admittedOf(present);
    return {
      user: identity.user,
      groups: identity.groups,
      email: identity.email ?? null,
      method: identity.method,
      sessionId: identity.sessionId ?? null,
      expiresAt:
        identity.expiresAtSec === undefined ? null : new Date(identity.expiresAtSec * 1000).toISOString(),
      address: arrived.client.address,
    };
  });
  app.post(`${RESERVED_PATH}/token`, async () => {
    const admitted = admittedOf(present);
    return parts.issueToken(admitted.identity, admitted);
  });
}

function admittedOf(present: AsyncLocalStorage<Visit>): Admitted & { readonly identity: Identity } {
  const admitted = present.getStore()?.admitted;
  if (admitted === undefined || admitted.identity === null) throw new GatewayError('SP_INTERNAL');
  return { ...admitted, identity: admitted.identity };
}
