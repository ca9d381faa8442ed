import assert from 'node:assert/strict';
import { test } from 'node:test';
import { accountKey } from '../../../../src/certificates/acme/account-keys.ts';
import { makeSealer, SEALED_INDEX } from '../../../../src/lib/seal.ts';
import { openTestStore } from './store.ts';

const DIRECTORY = 'https://ca.test/dir';

test('processes that start together agree on one key per account', async (t) => {
  const { records } = openTestStore(t);
  const sealer = makeSealer(Buffer.alloc(32, 1));
  const ask = (account: string) => accountKey({ records, sealer }, DIRECTORY, [account]);
  const [first, second, other] = await Promise.all([ask('a@test'), ask('a@test'), ask('b@test')]);
  assert.ok(first.equals(second));
  assert.ok(!first.equals(other));
  assert.ok(first.equals(await ask('a@test')));
});

test('the key is sealed: nothing of it can be read in the state, and another state key does not open it', async (t) => {
  const { records } = openTestStore(t);
  const key = await accountKey({ records, sealer: makeSealer(Buffer.alloc(32, 1)) }, DIRECTORY, []);
  const { records: stored } = await records.list(SEALED_INDEX);
  const secret = Buffer.from(key.export({ format: 'jwk' }).d ?? '', 'base64url');
  assert.equal(stored.length, 1);
  assert.ok(stored.every(({ value }) => !Buffer.from(value).includes(secret)));
  const stranger = { records, sealer: makeSealer(Buffer.alloc(32, 2)) };
  await assert.rejects(accountKey(stranger, DIRECTORY, []), { code: 'SP_STATE_KEY' });
});
