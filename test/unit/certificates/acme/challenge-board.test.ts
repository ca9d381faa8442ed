import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import { ChallengeBoard } from '../../../../src/certificates/acme/challenge-board.ts';
import { silentLogger } from '../../../../src/lib/logger.ts';
import type { Records } from '../../../../src/state/store.ts';
import { openTestStore } from './store.ts';

const TOKEN = 'x'.repeat(43);

function boards(t: TestContext, most = 1000) {
  const { records } = openTestStore(t);
  let lists = 0;
  const counting: Records = {
    get: (key) => records.get(key),
    put: (key, value, options) => records.put(key, value, options),
    delete: (key, options) => records.delete(key, options),
    list: (index, options) => {
      lists++;
      return records.list(index, { ...options, limit: most });
    },
  };
  const mayAsk = (host: string): boolean => host === 'a.test';
  const make = (): ChallengeBoard => {
    const board = new ChallengeBoard({ records: counting, mayAsk, clock: Date.now, logger: silentLogger });
    t.after(() => board.close());
    return board;
  };
  return { mine: make(), other: make(), lists: () => lists };
}

const http = { kind: 'http-01', host: 'a.test', token: TOKEN, keyAuthorization: `${TOKEN}.t` } as const;

test('what one process shows, another answers, and no longer once it is hidden', async (t) => {
  const { mine, other } = boards(t);
  await mine.show(http);
  assert.equal(await other.httpAnswer('a.test', TOKEN), `${TOKEN}.t`);
  assert.equal(await other.httpAnswer('b.test', TOKEN), undefined);
  await mine.hide(http);
  assert.equal(await mine.httpAnswer('a.test', TOKEN), undefined);
});

test('a board with more challenges than fit on a page is read to its end', async (t) => {
  const { mine, other } = boards(t, 1);
  const tokens = ['x', 'y', 'z'].map((letter) => letter.repeat(43));
  for (const token of tokens) await mine.show({ ...http, token, keyAuthorization: `${token}.t` });
  for (const token of tokens) assert.equal(await other.httpAnswer('a.test', token), `${token}.t`);
});

test('a handshake is answered for the host that is to be proven, and with one context', async (t) => {
  const { mine, other } = boards(t);
  await mine.show({ ...http, kind: 'tls-alpn-01' });
  const context = await other.alpnContext('a.test');
  assert.ok(context !== undefined);
  assert.equal(await other.alpnContext('a.test'), context);
  assert.equal(await other.httpAnswer('a.test', TOKEN), undefined);
});

test('five hundred made-up tokens at once cost two reads of the state at most', async (t) => {
  const { mine, lists } = boards(t);
  const asked = Array.from({ length: 500 }, (_, i) => mine.httpAnswer('a.test', `${TOKEN}${i}`));
  assert.deepEqual(new Set(await Promise.all(asked)), new Set([undefined]));
  assert.ok(lists() <= 2, `${lists()} reads`);
});

test('a host without ACME, and what is no token, cost no read at all', async (t) => {
  const { mine, lists } = boards(t);
  assert.equal(await mine.httpAnswer('other.test', TOKEN), undefined);
  assert.equal(await mine.httpAnswer('a.test', '../../etc/passwd'), undefined);
  assert.equal(await mine.alpnContext('other.test'), undefined);
  assert.equal(lists(), 0);
});

test('while the state is away there is no answer, and no error', async (t) => {
  const away = async (): Promise<never> => {
    throw new Error('away');
  };
  const records = { get: away, put: away, delete: away, list: away };
  const board = new ChallengeBoard({ records, mayAsk: () => true, clock: Date.now, logger: silentLogger });
  t.after(() => board.close());
  assert.equal(await board.httpAnswer('a.test', TOKEN), undefined);
});
