import assert from 'node:assert/strict';
import { test } from 'node:test';
import { StageRecords } from '../../../../src/certificates/rotation/stage-records.ts';
import { makeSealer } from '../../../../src/lib/seal.ts';
import type { Records } from '../../../../src/state/store.ts';
import { openTestStore } from '../acme/store.ts';

test('stages and answers that do not fit on a page are all read', async (t) => {
  const { records } = openTestStore(t);
  const narrow: Records = {
    get: (key) => records.get(key),
    put: (key, value, options) => records.put(key, value, options),
    delete: (key, options) => records.delete(key, options),
    list: (index, options) => records.list(index, { ...options, limit: 1 }),
  };
  const stages = new StageRecords({ records: narrow, sealer: makeSealer(Buffer.alloc(32, 7)) });
  for (const name of ['a', 'b', 'c'])
    await stages.put({ name, rotation: 'r', by: 'p', pair: undefined, watched: false });
  assert.deepEqual(await stages.names(), ['a', 'b', 'c']);
  for (const process of ['p', 'q'])
    await stages.answer('r', { process, fingerprint256: 'AA', problem: undefined, base: undefined });
  assert.deepEqual(
    (await stages.answers('r')).map(({ process }) => process),
    ['p', 'q'],
  );
});
