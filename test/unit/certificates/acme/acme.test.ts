import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Acme } from '../../../../src/certificates/acme/acme.ts';
import { silentLogger } from '../../../../src/lib/logger.ts';
import { makeSealer } from '../../../../src/lib/seal.ts';
import { eventually } from '../../../support/eventually.ts';
import { openTestStore } from './store.ts';

test('a host on demand that never got its certificate is not ordered any more once it is forgotten', async (t) => {
  const store = openTestStore(t);
  const acme = new Acme({
    configs: [
      {
        name: 'rule',
        tls: undefined,
        source: {
          kind: 'acme',
          names: [],
          onDemand: ['apps.test'],
          directories: ['https://127.0.0.1:9/directory'],
          challenge: 'http-01',
          hook: [],
          email: undefined,
          eab: undefined,
          keyType: 'ecdsa',
          trust: undefined,
        },
      },
    ],
    keeper: { pairOf: () => undefined, rotate: () => Promise.reject(new Error('nothing is ordered here')) },
    hasRoute: () => true,
    store,
    sealer: makeSealer(Buffer.alloc(32, 7)),
    clock: Date.now,
    logger: silentLogger,
    onOutcome: () => undefined,
    reloadMs: 20,
  });
  t.after(() => acme.close());
  acme.start();
  acme.uncovered('a.apps.test');
  await eventually('it is tried', () => acme.notes().some((note) => note.includes('a.apps.test')));
  await store.records.delete('acme/on-demand/a.apps.test');
  await eventually('it is given up', () => !acme.notes().some((note) => note.includes('a.apps.test')));
  assert.equal(acme.notes().length <= 1, true);
});
