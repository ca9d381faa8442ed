import assert from 'node:assert/strict';
import { readFileSync, writeFileSync } from 'node:fs';
import { test } from 'node:test';
import { type AcmeFront, payloadOf, startAcmeFront } from '../support/acme-front.ts';
import { acmeYaml, handshake, waitForPair } from '../support/acme-house.ts';
import { eventually } from '../support/eventually.ts';
import { startTestGateway } from '../support/gateway.ts';
import { startPebble } from '../support/pebble.ts';
import { freePort } from '../support/redis.ts';

test('a certificate is renewed when the CA says so, and the order names the one that it replaces', async (t) => {
  const [httpPort, tlsPort] = [await freePort(), await freePort()];
  const pebble = await startPebble({ httpPort, tlsPort });
  t.after(() => pebble.stop());
  const front = await startAcmeFront({
    directory: pebble.directory,
    ca: readFileSync(pebble.trustFile, 'utf8'),
  });
  t.after(() => front.close());
  writeFileSync(pebble.trustFile, front.ca);
  const seen = hintAtOnce(front);
  const house = await startTestGateway({
    yaml: acmeYaml({ ...pebble, directory: front.directory }, { challenge: 'http-01', names: ['a.test'] }),
    https: `127.0.0.1:${tlsPort}`,
    listen: `http: "127.0.0.1:${httpPort}"`,
  });
  t.after(() => house.close());
  const root = await waitForPair(tlsPort, 'a.test', pebble);
  const first = (await handshake(tlsPort, 'a.test', root)).peer?.fingerprint256;
  await eventually('a second order', () => seen.orders.length === 2, 15_000);
  const [asked] = seen.ids;
  assert.match(asked ?? '', /^[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+$/);
  assert.equal(seen.orders[0]?.replaces, undefined);
  // The server refused the id once; the order was placed again without it, as RFC 9773 §5 allows.
  assert.deepEqual(seen.refused, [asked]);
  const end = performance.now() + 10_000;
  while ((await handshake(tlsPort, 'a.test', root)).peer?.fingerprint256 === first) {
    assert.ok(performance.now() < end, 'the renewed certificate is not served');
  }
});

/** Tells for the first certificate that it should have been renewed already, for others that there is time. */
function hintAtOnce(front: AcmeFront): {
  readonly ids: string[];
  readonly orders: Record<string, unknown>[];
  readonly refused: unknown[];
} {
  const seen = { ids: [] as string[], orders: [] as Record<string, unknown>[], refused: [] as unknown[] };
  const day = (days: number): string => new Date(Date.now() + days * 86_400_000).toISOString();
  front.intercept = (req, res, body) => {
    const id = /^\/renewal-info\/(.+)$/.exec(req.url ?? '')?.[1];
    if (id !== undefined) {
      if (!seen.ids.includes(id)) seen.ids.push(id);
      const window = id === seen.ids[0] ? { start: day(-2), end: day(-1) } : { start: day(20), end: day(30) };
      res.writeHead(200, { 'content-type': 'application/json', 'retry-after': '21600' });
      res.end(JSON.stringify({ suggestedWindow: window }));
      return true;
    }
    if (req.method !== 'POST' || !/order-plz/.test(req.url ?? '')) return false;
    const order = payloadOf(body);
    if (order.replaces === undefined) {
      seen.orders.push(order);
      return false;
    }
    seen.refused.push(order.replaces);
    res.writeHead(409, { 'content-type': 'application/problem+json' });
    res.end(
      JSON.stringify({ type: 'urn:ietf:params:acme:error:alreadyReplaced', detail: 'it was replaced' }),
    );
    return true;
  };
  return seen;
}
