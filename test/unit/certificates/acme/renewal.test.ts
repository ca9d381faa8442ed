import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { Acme } from '../../../../src/certificates/acme/acme.ts';
import { noteSuccess, readAttempts } from '../../../../src/certificates/acme/attempts.ts';
import type { CertificatePair } from '../../../../src/certificates/certificate.ts';
import type { AcmeSourceConfig } from '../../../../src/config/config.ts';
import type { Logger } from '../../../../src/lib/logger.ts';
import { makeSealer } from '../../../../src/lib/seal.ts';
import type { Store } from '../../../../src/state/store.ts';
import { eventually } from '../../../support/eventually.ts';
import { pairLiving } from './pair.ts';
import { openTestStore } from './store.ts';

const NOW = Date.UTC(2030, 0, 15);
const HOUR_MS = 3600_000;
const OLD = pairLiving('OLD', [-62, 28], NOW);
const NEW = pairLiving('NEW', [0, 90], NOW);
const SOURCE: AcmeSourceConfig = {
  kind: 'acme',
  names: ['a.test', 'b.test'],
  onDemand: [],
  directories: ['https://127.0.0.1:9/directory'],
  challenge: 'http-01',
  hook: [],
  email: undefined,
  eab: undefined,
  keyType: 'ecdsa',
  trust: undefined,
};

interface Process {
  readonly acme: Acme;
  /** One for each order that it made: its CA cannot be reached. */
  readonly orders: string[];
  readonly warnings: string[];
  serve(pair: CertificatePair): void;
}

/** Starts what keeps `a.test`, at a time, with a pair that is served. */
function startProcess(t: TestContext, store: Store, served: CertificatePair, atMs: number): Process {
  const [orders, warnings, listeners] = [[] as string[], [] as string[], new Set<(name: string) => void>()];
  let pair = served;
  const nothing = (): void => {};
  const warn: Logger['warn'] = (_fields, message) => void warnings.push(message);
  const acme = new Acme({
    configs: [{ name: 'a.test', tls: undefined, source: SOURCE }],
    keeper: {
      pairOf: () => pair,
      rotate: () => Promise.reject(new Error('nothing is filled here')),
      onChange: (listener) => {
        listeners.add(listener);
        return () => listeners.delete(listener);
      },
    },
    hasRoute: () => true,
    store,
    sealer: makeSealer(Buffer.alloc(32, 7)),
    clock: () => atMs,
    logger: { debug: nothing, info: nothing, warn, error: nothing },
    onOutcome: (outcome) => orders.push(outcome),
  });
  t.after(() => acme.close());
  acme.start();
  const serve = (next: CertificatePair): void => {
    pair = next;
    for (const listener of listeners) listener('a.test');
  };
  return { acme, orders, warnings, serve };
}

/** Gives a state in which `NEW` was ordered an hour ago. */
async function afterOrder(t: TestContext): Promise<Store> {
  const store = openTestStore(t);
  const filled = { orderedAtMs: NOW - HOUR_MS, fingerprint256: 'NEW', names: SOURCE.names, repeats: 0 };
  await noteSuccess(store.records, 'a.test', filled);
  return store;
}

function waits(warnings: readonly string[]): number {
  return warnings.filter((warning) => warning.includes('rolled back or replaced')).length;
}

test('what was rolled back is not ordered again for 12 hours, by no process and not after a restart, and is told once', async (t) => {
  const store = await afterOrder(t);
  const [first, second] = [startProcess(t, store, OLD, NOW), startProcess(t, store, OLD, NOW)];
  await eventually('both tell', () => [first, second].every(({ acme }) => acme.notes().length === 1));
  assert.deepEqual(first.acme.notes(), [
    'the certificate a.test was rolled back or replaced after its last order, and is due: the next order is made at 2030-01-15T12:00:00.000Z; to serve the ordered one before, roll forward with "sallyport cert rollback a.test"',
  ]);
  assert.deepEqual(first.acme.failures(), []);
  first.acme.close();
  second.acme.close();
  const third = startProcess(t, store, OLD, NOW + 12 * HOUR_MS - 1);
  await eventually('it knows', () => third.acme.notes().length === 1);
  third.acme.close();
  assert.deepEqual([...first.orders, ...second.orders, ...third.orders], []);
  assert.equal(waits([...first.warnings, ...second.warnings, ...third.warnings]), 1);
  const last = startProcess(t, store, OLD, NOW + 12 * HOUR_MS);
  await eventually('it orders', () => last.orders.length === 1);
  assert.equal((await readAttempts(store.records, 'a.test')).repeats, 1, 'the next pause is longer');
});

test('a rollback is noticed at once, rolling forward ends the wait, and a later rollback begins another one', async (t) => {
  const store = await afterOrder(t);
  const gateway = startProcess(t, store, NEW, NOW);
  await sleep(50);
  gateway.serve(OLD);
  await eventually('the wait is told', () => gateway.acme.notes().length === 1);
  gateway.serve(NEW);
  await eventually('nothing waits', () => gateway.acme.notes().length === 0);
  gateway.acme.close();
  const later = startProcess(t, store, NEW, NOW + 48 * HOUR_MS);
  await sleep(50);
  later.serve(OLD);
  await eventually('it waits anew', () => later.acme.notes().length === 1);
  assert.match(later.acme.notes()[0] ?? '', /made at 2030-01-18T00:00/);
  assert.deepEqual([...gateway.orders, ...later.orders], []);
});

test('a pair that somebody uploads in place of the ordered one is left alone until it is due itself', async (t) => {
  const store = await afterOrder(t);
  const whole = pairLiving('UPLOADED', [-1, 30], NOW);
  const partial = pairLiving('PARTIAL', [-1, 30], NOW, ['a.test']);
  const gateway = startProcess(t, store, NEW, NOW);
  for (const pair of [whole, partial]) {
    gateway.serve(pair);
    await sleep(200);
    assert.deepEqual([gateway.orders, gateway.acme.notes()], [[], []], pair.fingerprint256);
  }
});

test('a pair that ends while an order waits is replaced without delay', async (t) => {
  const store = await afterOrder(t);
  const gateway = startProcess(t, store, OLD, NOW + 29 * 24 * HOUR_MS);
  await eventually('it orders', () => gateway.orders.length === 1);
});
