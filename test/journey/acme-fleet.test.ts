import assert from 'node:assert/strict';
import { connect, createServer, type Server } from 'node:net';
import { type TestContext, test } from 'node:test';
import { acmeYaml, handshake, waitForPair } from '../support/acme-house.ts';
import { startTestGateway, type TestGateway } from '../support/gateway.ts';
import { startPebble } from '../support/pebble.ts';
import { freePort, startRedis } from '../support/redis.ts';

for (const challenge of ['http-01', 'tls-alpn-01'] as const) {
  test(`two gateways on one Redis: one orders by ${challenge}, both answer the CA, both serve the pair`, async (t) => {
    const [plain, secure] = [await startBalancer(t), await startBalancer(t)];
    const pebble = await startPebble({ httpPort: plain.port, tlsPort: secure.port });
    t.after(() => pebble.stop());
    const redis = await startRedis();
    t.after(() => redis.stop());
    const key = Buffer.alloc(32, 3).toString('base64');
    const start = async (): Promise<readonly [TestGateway, number]> => {
      const [httpPort, tlsPort] = [await freePort(), await freePort()];
      const house = await startTestGateway({
        yaml: acmeYaml(pebble, { challenge, names: ['a.test', 'b.test', 'c.test'] }),
        https: `127.0.0.1:${tlsPort}`,
        listen: `http: "127.0.0.1:${httpPort}"`,
        state: `{ url: "${redis.url}", key: { env: STATE_KEY } }`,
        env: { STATE_KEY: key },
      });
      t.after(() => house.close());
      plain.targets.push(httpPort);
      secure.targets.push(tlsPort);
      return [house, tlsPort];
    };
    // The CA asks on ports that nobody listens on until both are there, so neither can do it alone.
    const houses = await Promise.all([start(), start()]);
    const prints = new Set<string | undefined>();
    for (const [, tlsPort] of houses) {
      const root = await waitForPair(tlsPort, 'a.test', pebble, 90_000);
      prints.add((await handshake(tlsPort, 'c.test', root)).peer?.fingerprint256);
    }
    assert.equal(prints.size, 1, 'both serve one pair');
    assert.equal(await ordersOf(houses.map(([house]) => house)), 1);
    const asked = challenge === 'http-01' ? plain.taken : secure.taken;
    assert.ok(asked.size === 2, 'both were asked by the CA');
  });
}

async function ordersOf(houses: readonly TestGateway[]): Promise<number> {
  let sum = 0;
  for (const house of houses) {
    const { body } = await house.call('GET', '/metrics');
    sum += Number(/certificate_orders_total\{outcome="ordered"\} (\d+)/.exec(String(body))?.[1] ?? 0);
  }
  return sum;
}

interface Balancer {
  readonly port: number;
  readonly targets: number[];
  /** Targets that got a connection. */
  readonly taken: Set<number>;
}

/** Starts what passes each connection on to the next target. It waits for two targets. */
async function startBalancer(t: TestContext): Promise<Balancer> {
  const targets: number[] = [];
  const taken = new Set<number>();
  let turn = 0;
  const server: Server = createServer((client) => {
    client.on('error', () => {});
    const begin = (): void => {
      if (client.destroyed) return;
      if (targets.length < 2) {
        setTimeout(begin, 20);
        return;
      }
      const port = targets[turn++ % 2] ?? 0;
      taken.add(port);
      const target = connect(port, '127.0.0.1');
      target.on('error', () => client.destroy());
      client.on('close', () => target.destroy());
      client.pipe(target).pipe(client);
    };
    begin();
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  t.after(() => server.close());
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('no port');
  return { port: address.port, targets, taken };
}
