import type { IncomingMessage, ServerResponse } from 'node:http';
import type { TestContext } from 'node:test';
import { type AcmeFront, payloadOf } from './acme-front.ts';
import { type AcmeHouse, acmeHouse } from './acme-house.ts';

/** What an ACME server was asked for. */
export interface Asked {
  /** Ids of certificates about which hints were asked, each once. */
  readonly ids: string[];
  /** Payloads of orders in the order in which they came, refused ones among them. */
  readonly orders: Record<string, unknown>[];
}

export interface HintingHouseOptions {
  /** Gives the window of a certificate, in days from now, by how many others were asked about before it. */
  readonly window: (index: number) => readonly [number, number];
  /** Whether orders that replace a certificate are refused, as by a CA that does not know it. */
  readonly refusesReplacing?: boolean;
}

/** A gateway with one certificate, `a.test`, of a server that gives renewal hints. */
export interface HintingHouse extends AcmeHouse {
  readonly asked: Asked;
}

/** Starts all of it, and ends it with the test. */
export async function hintingHouse(t: TestContext, options: HintingHouseOptions): Promise<HintingHouse> {
  const asked: Asked = { ids: [], orders: [] };
  const through = (front: AcmeFront): void => {
    front.intercept = (req, res, body) => {
      if (tellHint(req, res, { asked, options })) return true;
      if (req.method !== 'POST' || !/order-plz/.test(req.url ?? '')) return false;
      const order = payloadOf(body);
      asked.orders.push(order);
      if (order.replaces === undefined || options.refusesReplacing !== true) return false;
      const problem = { type: 'urn:ietf:params:acme:error:alreadyReplaced', detail: 'it was replaced' };
      res.writeHead(409, { 'content-type': 'application/problem+json' }).end(JSON.stringify(problem));
      return true;
    };
  };
  return { ...(await acmeHouse(t, { challenge: 'http-01', names: ['a.test'], through })), asked };
}

function tellHint(
  req: IncomingMessage,
  res: ServerResponse,
  { asked, options }: { readonly asked: Asked; readonly options: HintingHouseOptions },
): boolean {
  const id = /^\/renewal-info\/(.+)$/.exec(req.url ?? '')?.[1];
  if (id === undefined) return false;
  if (!asked.ids.includes(id)) asked.ids.push(id);
  const [start, end] = options
    .window(asked.ids.indexOf(id))
    .map((days) => new Date(Date.now() + days * 86_400_000).toISOString());
  res.writeHead(200, { 'content-type': 'application/json', 'retry-after': '21600' });
  res.end(JSON.stringify({ suggestedWindow: { start, end } }));
  return true;
}
