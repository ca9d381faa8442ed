import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { Acme } from '../../../../src/certificates/acme/acme.ts';
import { readAttempts } from '../../../../src/certificates/acme/attempts.ts';
import { silentLogger } from '../../../../src/lib/logger.ts';
import { makeSealer } from '../../../../src/lib/seal.ts';
import type { Store } from '../../../../src/state/store.ts';
import { type AcmeFront, startAcmeFront } from '../../../support/acme-front.ts';
import { eventually } from '../../../support/eventually.ts';
import { openTestStore } from './store.ts';

const NOW = Date.UTC(2030, 0, 15);

interface Answer {
  readonly status: number;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: unknown;
}

/** A CA that says the same to everything. */
async function startCa(t: TestContext, answer: (path: string, base: string) => Answer) {
  const front = await startAcmeFront(undefined);
  t.after(() => front.close());
  const ca = { front, asked: 0 };
  front.intercept = (req, res) => {
    const path = req.url ?? '/';
    if (path === '/dir') ca.asked++;
    const { status, headers, body } = answer(path, new URL(front.directory).origin);
    res.writeHead(status, { 'replay-nonce': 'nonce', ...headers });
    res.end(JSON.stringify(body));
    return true;
  };
  return ca;
}

interface Run {
  readonly store: Store;
  readonly fronts: readonly AcmeFront[];
  readonly atMs: number;
}

/** Runs what keeps `a.test` at a time. */
function run(t: TestContext, { store, fronts, atMs }: Run): Acme {
  const folder = mkdtempSync(join(tmpdir(), 'sallyport-directories-'));
  t.after(() => rmSync(folder, { recursive: true, force: true }));
  const trust = join(folder, 'trust.pem');
  writeFileSync(trust, fronts.map(({ ca }) => ca).join(''));
  const acme = new Acme({
    configs: [
      {
        name: 'a.test',
        tls: undefined,
        source: {
          kind: 'acme',
          names: ['a.test'],
          onDemand: [],
          directories: fronts.map(({ directory }) => directory),
          challenge: 'http-01',
          hook: [],
          email: undefined,
          eab: undefined,
          keyType: 'ecdsa',
          trust,
        },
      },
    ],
    keeper: {
      pairOf: () => undefined,
      rotate: () => Promise.reject(new Error('nothing is filled here')),
      onChange: () => () => undefined,
    },
    hasRoute: () => true,
    store,
    sealer: makeSealer(Buffer.alloc(32, 7)),
    clock: () => atMs,
    logger: silentLogger,
    onOutcome: () => undefined,
  });
  t.after(() => acme.close());
  acme.start();
  return acme;
}

const limited = (): Answer => ({
  status: 429,
  headers: { 'content-type': 'application/problem+json', 'retry-after': '604800' },
  body: { type: 'urn:ietf:params:acme:error:rateLimited', detail: 'too many' },
});

test('a CA that limits the rate for a week keeps nobody from asking the next one as soon as that may be asked', async (t) => {
  const store = openTestStore(t);
  const first = await startCa(t, limited);
  const second = await startCa(t, () => ({ status: 503 }));
  const fronts = [first.front, second.front];
  const before = run(t, { store, fronts, atMs: NOW });
  await eventually('both failed', () => before.failures().length === 1);
  before.close();
  const [note = ''] = before.notes();
  assert.ok(note.includes(`${first.front.directory} rests until 2030-01-22T`), note);
  assert.ok(note.includes(`${second.front.directory} rests until 2030-01-15T00:0`), note);
  const after = run(t, { store, fronts, atMs: NOW + 120_000 });
  await eventually('the second one is asked again', () => second.asked === 2);
  await eventually('it failed again', () => after.failures().length === 1);
  assert.equal(first.asked, 1, 'the first one is left alone');
  assert.ok(after.notes()[0]?.includes(`${first.front.directory} rests until 2030-01-22T`));
  const { rests } = await readAttempts(store.records, 'a.test');
  assert.deepEqual(
    rests?.map(({ failures }) => failures),
    [1, 2],
  );
});
