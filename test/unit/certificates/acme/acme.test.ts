import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Acme, type AcmeParts } from '../../../../src/certificates/acme/acme.ts';
import type { AcmeSourceConfig } from '../../../../src/config/config.ts';
import { silentLogger } from '../../../../src/lib/logger.ts';
import { makeSealer } from '../../../../src/lib/seal.ts';
import { eventually } from '../../../support/eventually.ts';
import { openTestStore } from './store.ts';

const SOURCE: AcmeSourceConfig = {
  kind: 'acme',
  names: [],
  onDemand: [],
  directories: ['https://127.0.0.1:9/directory'],
  challenge: 'http-01',
  hook: [],
  email: undefined,
  eab: undefined,
  keyType: 'ecdsa',
  trust: undefined,
};

/** Gives what keeps one certificate of a CA that cannot be reached, and every host below `apps.test`. */
function parts(store: AcmeParts['store'], source: Partial<AcmeSourceConfig>): AcmeParts {
  return {
    configs: [{ name: 'rule', tls: undefined, source: { ...SOURCE, ...source } }],
    keeper: {
      pairOf: () => undefined,
      rotate: () => Promise.reject(new Error('nothing is ordered here')),
      onChange: () => () => undefined,
    },
    hasRoute: () => true,
    store,
    sealer: makeSealer(Buffer.alloc(32, 7)),
    clock: Date.now,
    logger: silentLogger,
    onOutcome: () => undefined,
    reloadMs: 20,
  };
}

test('a host on demand that never got its certificate is not ordered any more once it is forgotten', async (t) => {
  const store = openTestStore(t);
  const acme = new Acme(parts(store, { onDemand: ['apps.test'] }));
  t.after(() => acme.close());
  acme.start();
  acme.uncovered('a.apps.test');
  await eventually('it is tried', () => acme.notes().some((note) => note.includes('a.apps.test')));
  await store.records.delete('acme/on-demand/a.apps.test');
  await eventually('it is given up', () => !acme.notes().some((note) => note.includes('a.apps.test')));
  assert.equal(acme.notes().length <= 1, true);
});

test('what cannot be ordered is known to every process, but not what a client alone asked for', async (t) => {
  const store = openTestStore(t);
  const rule = { names: ['a.test'], onDemand: ['apps.test'] };
  const first = new Acme(parts(store, rule));
  t.after(() => first.close());
  first.start();
  first.uncovered('b.apps.test');
  await eventually('both are tried', () => first.notes().length === 2);
  first.close();
  const [failed, ...more] = first.failures();
  assert.deepEqual(
    [failed?.name, failed?.names, failed?.reason, more],
    ['rule', ['a.test'], 'unreachable', []],
  );
  const attempts: string[] = [];
  const second = new Acme({ ...parts(store, rule), onOutcome: (outcome) => attempts.push(outcome) });
  t.after(() => second.close());
  second.start();
  await eventually('the other one knows', () => second.failures().length === 1);
  assert.deepEqual(second.failures(), [failed]);
  assert.deepEqual(attempts, [], 'without an attempt of its own');
});
