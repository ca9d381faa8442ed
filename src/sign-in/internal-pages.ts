/**
 * The gateway's own pages under `/.sallyport/`. Comes in: an `Admitted` request. Goes out: the answer of a page.
 */
import { AsyncLocalStorage } from 'node:async_hooks';
import fastify, { type InjectOptions } from 'fastify';
import { asGatewayError, GatewayError } from '../errors.ts';
import type { Admitted, Answered } from '../exchange.ts';
import { cookieValues } from '../lib/cookies.ts';
import { RESERVED_PATH } from './internal-routes.ts';
import type { PageAnswer, PageRow, Visit } from './page.ts';
import { readPageBody } from './page-body.ts';

/** A visit on its way through the router, and what came of it. */
interface Turn {
  readonly visit: Omit<Visit, 'params'>;
  answer: PageAnswer | Answered | undefined;
  failure: GatewayError | undefined;
}

/**
 * Gives the internal upstream for a table of pages; Fastify finds the page.
 *
 * Security: the request travels as the object that the corridor admitted, never as header fields, so that no client can
 * forge who is asking.
 */
export async function makeInternalPages(
  rows: readonly PageRow[],
): Promise<(admitted: Admitted) => Promise<Answered>> {
  const present = new AsyncLocalStorage<Turn>();
  const app = fastify({ logger: false });
  app.setNotFoundHandler(() => {
    throw new GatewayError('SP_SIGN_IN_NOT_FOUND', { reason: 'no-page' });
  });
  app.setErrorHandler((thrown, _request, reply) => {
    const turn = present.getStore();
    if (turn !== undefined) turn.failure = asGatewayError(thrown);
    return reply.status(500).send();
  });
  for (const { method, path, page } of rows) {
    app.route<{ Params: Record<string, string> }>({
      method,
      url: RESERVED_PATH + path,
      async handler({ params }, reply) {
        const turn = present.getStore();
        if (turn === undefined) throw new GatewayError('SP_INTERNAL', { reason: 'page-without-visit' });
        turn.answer = await page({ ...turn.visit, params });
        return reply.send('');
      },
    });
  }
  await app.ready();

  return async (admitted) => {
    const { request } = admitted.arrived;
    const turn: Turn = { visit: await visitOf(admitted), answer: undefined, failure: undefined };
    // `inject` starts when it is awaited, so it has to be awaited inside.
    await present.run(
      turn,
      async () => await app.inject({ method: injected(request.method), url: request.path }),
    );
    if (turn.failure !== undefined) throw turn.failure;
    if (turn.answer === undefined) throw new GatewayError('SP_INTERNAL', { reason: 'page-failed' });
    return 'type' in turn.answer ? answered(turn.answer, request.method === 'HEAD') : turn.answer;
  };
}

async function visitOf(admitted: Admitted): Promise<Omit<Visit, 'params'>> {
  const { arrived, identity, route } = admitted;
  const { request, client } = arrived;
  const { form, json } = await readPageBody(arrived, route.config.bodyBytes);
  return {
    admitted,
    request,
    client,
    identity,
    query: new URLSearchParams(request.query),
    cookies: (name) => cookieValues(request.cookie, name),
    header: (name) => oneHeader(request.headers, name),
    form,
    json,
  };
}

/** Gives the method for the router; one that Fastify does not know has no page either. */
function injected(method: string): NonNullable<InjectOptions['method']> {
  switch (method) {
    case 'GET':
    case 'HEAD':
    case 'POST':
      return method;
    default:
      throw new GatewayError('SP_SIGN_IN_NOT_FOUND', { reason: 'no-page' });
  }
}

function oneHeader(headers: readonly string[], name: string): string | undefined {
  let found: string | undefined;
  for (let i = 0; i < headers.length; i += 2) {
    if (headers[i] !== name) continue;
    if (found !== undefined) return undefined;
    found = headers[i + 1];
  }
  return found;
}

/** Security: no page is kept by a cache, read as another type, or told to the next page as `Referer`, unless it says so itself. */
function answered({ status, headers, type, body }: PageAnswer, isHead: boolean): Answered {
  const fields = [...headers, 'content-type', type, 'x-content-type-options', 'nosniff'];
  if (!names(headers, 'referrer-policy')) fields.push('referrer-policy', 'no-referrer');
  if (!names(headers, 'cache-control')) fields.push('cache-control', 'no-store');
  const bytes = typeof body === 'string' ? Buffer.from(body) : body;
  return { status, headers: fields, body: isHead || status === 304 ? null : bytes };
}

function names(headers: readonly string[], name: string): boolean {
  return headers.some((text, i) => i % 2 === 0 && text === name);
}
