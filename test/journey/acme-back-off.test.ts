import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Acme } from '../../src/certificates/acme/acme.ts';
import { silentLogger } from '../../src/lib/logger.ts';
import { makeSealer } from '../../src/lib/seal.ts';
import { eventually } from '../support/eventually.ts';
import { startPebble } from '../support/pebble.ts';
import { freePort } from '../support/redis.ts';
import { openTestStore } from '../unit/certificates/acme/store.ts';

test('an order that the CA rejects each time is placed less and less often, also by processes started anew', async (t) => {
  const [httpPort, tlsPort] = [await freePort(), await freePort()];
  const pebble = await startPebble({ httpPort, tlsPort, blocked: ['blocked.test'] });
  t.after(() => pebble.stop());
  const store = openTestStore(t);
  const source = {
    kind: 'acme' as const,
    names: ['a.blocked.test'],
    onDemand: [],
    directories: [pebble.directory],
    challenge: 'http-01' as const,
    hook: [],
    email: undefined,
    eab: undefined,
    keyType: 'ecdsa' as const,
    trust: pebble.trustFile,
  };
  /** Runs a process at a time until its order was rejected or it waits. @returns when the next attempt is made */
  const runAt = async (nowMs: number): Promise<number> => {
    const acme = new Acme({
      configs: [{ name: 'a', tls: undefined, source }],
      keeper: {
        pairOf: () => undefined,
        rotate: () => Promise.reject(new Error('nothing is filled here')),
        onChange: () => () => undefined,
      },
      hasRoute: () => true,
      store,
      sealer: makeSealer(Buffer.alloc(32, 7)),
      clock: () => nowMs,
      logger: silentLogger,
      onOutcome: () => undefined,
    });
    t.after(() => acme.close());
    acme.start();
    await eventually('it is told', () => acme.failures().length === 1);
    acme.close();
    const [failed] = acme.failures();
    assert.match(failed?.detail ?? '', /rejectedIdentifier/);
    return failed?.againAtMs ?? 0;
  };
  let nowMs = Date.now();
  for (const mostSec of [60, 120, 240, 480]) {
    const againAtMs = await runAt(nowMs);
    const waitSec = (againAtMs - nowMs) / 1000;
    assert.ok(waitSec >= mostSec / 2 && waitSec <= mostSec + 1, `${waitSec} s of ${mostSec}`);
    assert.equal(await runAt(againAtMs - 1), againAtMs, 'nobody asks before');
    nowMs = againAtMs;
  }
  assert.equal(pebble.lines.filter((line) => line.includes('POST /order-plz')).length, 4);
});
