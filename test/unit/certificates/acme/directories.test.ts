import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { Acme, type PairKeeper } from '../../../../src/certificates/acme/acme.ts';
import { readAttempts } from '../../../../src/certificates/acme/attempts.ts';
import type { AcmeSourceConfig, CertificateConfig } from '../../../../src/config/config.ts';
import { GatewayError } from '../../../../src/errors.ts';
import { silentLogger } from '../../../../src/lib/logger.ts';
import { makeSealer } from '../../../../src/lib/seal.ts';
import type { Store } from '../../../../src/state/store.ts';
import { type AcmeFront, startAcmeFront } from '../../../support/acme-front.ts';
import { eventually } from '../../../support/eventually.ts';
import { openTestStore } from './store.ts';

const NOW = Date.UTC(2030, 0, 15);
const SOURCE: Omit<AcmeSourceConfig, 'names' | 'directories' | 'trust'> = {
  kind: 'acme',
  onDemand: [],
  challenge: 'http-01',
  hook: [],
  email: undefined,
  eab: undefined,
  keyType: 'ecdsa',
};

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
  readonly directoryMs?: number;
  /** What is ordered from the last front only, and nothing else from that. */
  readonly fromLast?: string;
  /** What is ordered from all of them; default `a.test`. */
  readonly names?: readonly string[];
  /** What the keeper does with a pair. */
  readonly rotate?: PairKeeper['rotate'];
  /** Gets how each order went. */
  readonly outcomes?: string[];
}

/** Runs what keeps some certificates at a time. */
function run(t: TestContext, options: Run): Acme {
  const { store, fronts, atMs, directoryMs, fromLast, names = ['a.test'] } = options;
  const folder = mkdtempSync(join(tmpdir(), 'sallyport-directories-'));
  t.after(() => rmSync(folder, { recursive: true, force: true }));
  const trust = join(folder, 'trust.pem');
  writeFileSync(trust, fronts.map(({ ca }) => ca).join(''));
  const urls = fronts.map(({ directory }) => directory);
  const configOf = (name: string, directories: readonly string[]): CertificateConfig => ({
    name,
    tls: undefined,
    source: { ...SOURCE, names: [name], directories, trust },
  });
  const acme = new Acme({
    configs: [
      ...names.map((name) => configOf(name, fromLast === undefined ? urls : urls.slice(0, -1))),
      ...(fromLast === undefined ? [] : [configOf(fromLast, urls.slice(-1))]),
    ],
    keeper: {
      pairOf: () => undefined,
      rotate: options.rotate ?? (() => Promise.reject(new Error('nothing is filled here'))),
      onChange: () => () => undefined,
    },
    hasRoute: () => true,
    store,
    sealer: makeSealer(Buffer.alloc(32, 7)),
    clock: () => atMs,
    logger: silentLogger,
    onOutcome: (outcome) => options.outcomes?.push(outcome),
    ...(directoryMs === undefined ? {} : { directoryMs }),
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

/** Gives the answers of a CA that leaves an order pending for ever, or the proof of its host before it. */
function pending(status: 'authorization' | 'order'): (path: string, base: string) => Answer {
  const token = 'a'.repeat(43);
  return (path, base) => {
    const order = {
      status: 'pending',
      authorizations: [`${base}/authorization`],
      finalize: `${base}/finalize`,
    };
    const answers: Readonly<Record<string, Answer>> = {
      '/dir': {
        status: 200,
        body: { newNonce: `${base}/nonce`, newAccount: `${base}/account`, newOrder: `${base}/new-order` },
      },
      '/account': { status: 201, headers: { location: `${base}/account/1` }, body: { status: 'valid' } },
      '/new-order': { status: 201, headers: { location: `${base}/order` }, body: order },
      '/order': { status: 200, body: order },
      '/authorization': {
        status: 200,
        body: {
          status: status === 'order' ? 'valid' : 'pending',
          identifier: { type: 'dns', value: 'a.test' },
          challenges: [{ type: 'http-01', url: `${base}/challenge`, token }],
        },
      },
    };
    return answers[path] ?? { status: 200, body: {} };
  };
}

for (const what of ['authorization', 'order'] as const) {
  test(`a CA that leaves an ${what} pending is given up after its time, and the next one is asked`, async (t) => {
    const store = openTestStore(t);
    const first = await startCa(t, pending(what));
    const second = await startCa(t, () => ({ status: 503 }));
    const acme = run(t, { store, fronts: [first.front, second.front], atMs: NOW, directoryMs: 700 });
    await eventually('both failed', () => acme.failures().length === 1);
    acme.close();
    assert.deepEqual([first.asked, second.asked], [1, 1]);
    const { rests } = await readAttempts(store.records, 'a.test');
    assert.deepEqual(
      rests?.map(({ directory, reason }) => [directory, reason]),
      [
        [first.front.directory, 'timeout'],
        [second.front.directory, 'unreachable'],
      ],
    );
    assert.equal(rests?.[0]?.detail, 'the CA did not fill the order within 0.7 s');
  });
}

test('a CA that hangs keeps nobody from ordering elsewhere, however many wait for it', async (t) => {
  const store = openTestStore(t);
  const first = await startCa(t, pending('order'));
  const second = await startCa(t, () => ({ status: 503 }));
  const names = ['a.test', 'b.test', 'c.test', 'd.test', 'e.test'];
  const fronts = [first.front, second.front];
  const acme = run(t, { store, fronts, atMs: NOW, names, fromLast: 'z.test' });
  await eventually('it is asked', () => second.asked > 0);
  await eventually('four of the others hang', () => first.asked === 4);
  assert.deepEqual(
    acme.failures().map(({ name }) => name),
    ['z.test'],
  );
});

/** Gives the answers of a CA that fills every order. */
function filling(): (path: string, base: string) => Answer {
  const others = pending('order');
  let status = 'ready';
  return (path, base) => {
    if (path === '/finalize') status = 'valid';
    if (path === '/order') return { status: 200, body: { status, certificate: `${base}/certificate` } };
    if (path === '/certificate') return { status: 200, body: '-----BEGIN CERTIFICATE-----' };
    return others(path, base);
  };
}

test('a CA that named a time is not asked before it, although another one filled the order', async (t) => {
  const store = openTestStore(t);
  const first = await startCa(t, limited);
  const second = await startCa(t, filling());
  const third = await startCa(t, () => ({ status: 503 }));
  const fronts = [first.front, second.front, third.front];
  const rotate: PairKeeper['rotate'] = () =>
    Promise.resolve({
      name: 'a.test',
      fingerprint256: 'NEW',
      previous: undefined,
      confirmedBy: [],
      missing: [],
    });
  const outcomes: string[] = [];
  run(t, { store, fronts, atMs: NOW, rotate, outcomes });
  await eventually('it is filled', () => outcomes.includes('ordered'));
  const { rests, failures, failure } = await readAttempts(store.records, 'a.test');
  assert.deepEqual(
    rests?.map(({ directory, notBeforeMs }) => [directory, notBeforeMs]),
    [[first.front.directory, NOW + 604_800_000]],
  );
  assert.deepEqual([failures, failure, third.asked], [0, undefined, 0]);
});

test('a CA that gives what cannot be served rests for an hour, and the next one is asked at once', async (t) => {
  const store = openTestStore(t);
  const first = await startCa(t, filling());
  const second = await startCa(t, () => ({ status: 503 }));
  const rotate: PairKeeper['rotate'] = () =>
    Promise.reject(new GatewayError('SP_CERTIFICATE_INVALID', { detail: 'it is not yet valid' }));
  const outcomes: string[] = [];
  run(t, { store, fronts: [first.front, second.front], atMs: NOW, rotate, outcomes });
  await eventually('both failed', () => outcomes.length === 2);
  const { rests } = await readAttempts(store.records, 'a.test');
  assert.deepEqual([rests?.[0]?.notBeforeMs, first.asked, second.asked], [NOW + 3600_000, 1, 1]);
});
