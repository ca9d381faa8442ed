import assert from 'node:assert/strict';
import { it } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import type { RecordPage, Records } from '../../src/state/store.ts';
import { bytes, text } from './rule-words.ts';
import type { ContractSubject } from './store-contract.ts';

/** What the contract says of records. */
export function recordRules(subject: () => ContractSubject): void {
  const records = (): Records => subject().store.records;
  singleRecordRules(records);
  conditionRules(subject);
  expiryRules(records);
  listRules(records);
}

function singleRecordRules(records: () => Records): void {
  it('a record that was never put is undefined', async () => {
    assert.equal(await records().get('never'), undefined);
  });

  it('a record is given as it was put, bytes of every value and none included', async () => {
    const every = Uint8Array.from({ length: 256 }, (_, index) => index);
    const version = await records().put('every', every);
    const found = await records().get('every');
    assert.deepEqual(
      { ...found, value: [...(found?.value ?? [])] },
      {
        key: 'every',
        value: [...every],
        version,
        expiresAtMs: undefined,
      },
    );
    await records().put('none', new Uint8Array());
    assert.equal((await records().get('none'))?.value.length, 0);
  });

  it('a value that is a view into a larger buffer is stored alone', async () => {
    await records().put('view', bytes('xxinsidexx').subarray(2, 8));
    assert.equal(text((await records().get('view'))?.value), 'inside');
  });

  it('a value given is the caller’s: changing it changes nothing stored', async () => {
    await records().put('mine', bytes('mine'));
    (await records().get('mine'))?.value.fill(0);
    assert.equal(text((await records().get('mine'))?.value), 'mine');
  });

  it('keys are any text: empty, spaces, braces, colons, other scripts', async () => {
    const keys = ['', ' ', '{a}b', 'a:b', 'é', '日本', '😀', '%', "'", '*', 'i:x'];
    for (const key of keys) await records().put(key, bytes(`value of ${key}`), { indexes: ['any text'] });
    for (const key of keys) assert.equal(text((await records().get(key))?.value), `value of ${key}`);
    const page = await records().list('any text');
    assert.deepEqual(page.records.map(({ key }) => key).sort(), keys.sort());
  });

  it('versions grow with every put of a key, also after it was deleted', async () => {
    const versions: (number | undefined)[] = [];
    for (const value of ['one', 'two', 'three']) versions.push(await records().put('grows', bytes(value)));
    await records().delete('grows');
    versions.push(await records().put('grows', bytes('four')));
    assert.deepEqual(
      versions,
      [...new Set(versions)].sort((a, b) => Number(a) - Number(b)),
    );
    assert.ok(versions.every((version) => Number.isSafeInteger(version) && Number(version) > 0));
    assert.equal((await records().get('grows'))?.version, versions[3]);
  });

  it('delete says whether a live record was removed', async () => {
    await records().put('removed', bytes('x'));
    assert.equal(await records().delete('removed'), true);
    assert.equal(await records().get('removed'), undefined);
    assert.equal(await records().delete('removed'), false);
  });
}

function conditionRules(subject: () => ContractSubject): void {
  const records = (): Records => subject().store.records;

  it('ifAbsent writes only when no live record has the key', async () => {
    assert.ok(await records().put('absent', bytes('first'), { ifAbsent: true }));
    assert.equal(await records().put('absent', bytes('second'), { ifAbsent: true }), undefined);
    assert.equal(text((await records().get('absent'))?.value), 'first');
  });

  it('ifVersion writes only over exactly this version', async () => {
    const first = (await records().put('versioned', bytes('first'))) ?? 0;
    const second = await records().put('versioned', bytes('second'), { ifVersion: first });
    assert.ok(second !== undefined && second > first);
    assert.equal(await records().put('versioned', bytes('third'), { ifVersion: first }), undefined);
    assert.equal(text((await records().get('versioned'))?.value), 'second');
    for (const ifVersion of [0, 1, first]) {
      assert.equal(await records().put('nothing there', bytes('x'), { ifVersion }), undefined);
    }
  });

  it('a put whose condition is not met leaves life and indexes as they were', async () => {
    await records().put('kept', bytes('kept'), { indexes: ['kept in'] });
    await records().put('kept', bytes('x'), { ifAbsent: true, ttlMs: 1, indexes: ['other'] });
    assert.equal((await records().get('kept'))?.expiresAtMs, undefined);
    assert.deepEqual(keysOf(await records().list('kept in')), ['kept']);
    assert.deepEqual(keysOf(await records().list('other')), []);
  });

  it('delete with ifVersion removes only exactly this version', async () => {
    const version = (await records().put('guarded', bytes('x'))) ?? 0;
    assert.equal(await records().delete('guarded', { ifVersion: version + 1 }), false);
    assert.ok(await records().get('guarded'));
    assert.equal(await records().delete('guarded', { ifVersion: version }), true);
  });

  it('of 100 puts at once with ifAbsent, over two handles, exactly one wins', async () => {
    const handles = [records(), subject().another().records];
    const puts = Array.from({ length: 100 }, (_, index) =>
      handles[index % 2]?.put('race', bytes(String(index)), { ifAbsent: true }),
    );
    const winners = (await Promise.all(puts)).flatMap((version, index) =>
      version === undefined ? [] : [index],
    );
    assert.equal(winners.length, 1);
    assert.equal(text((await records().get('race'))?.value), String(winners[0]));
  });

  it('of 50 changes at once of one version exactly one wins', async () => {
    const version = (await records().put('change', bytes('0'))) ?? 0;
    const puts = Array.from({ length: 50 }, () =>
      records().put('change', bytes('x'), { ifVersion: version }),
    );
    assert.equal((await Promise.all(puts)).filter((result) => result !== undefined).length, 1);
  });

  it('conditions that exclude each other, and lives that are none, are refused', async () => {
    await assert.rejects(records().put('bad', bytes('x'), { ifAbsent: true, ifVersion: 1 }), RangeError);
    for (const ttlMs of [0, -1, Number.NaN, Number.POSITIVE_INFINITY]) {
      await assert.rejects(records().put('bad', bytes('x'), { ttlMs }), RangeError);
    }
    assert.equal(await records().get('bad'), undefined);
  });
}

function expiryRules(records: () => Records): void {
  it('a record is over when its life is, for every way of asking', async () => {
    const begun = Date.now();
    await records().put('short', bytes('x'), { ttlMs: 80, indexes: ['short lives'] });
    const expiresAtMs = (await records().get('short'))?.expiresAtMs ?? 0;
    assert.ok(expiresAtMs >= begun + 70 && expiresAtMs <= Date.now() + 80, String(expiresAtMs - begun));
    await sleep(120);
    assert.equal(await records().get('short'), undefined);
    assert.deepEqual(keysOf(await records().list('short lives')), []);
    assert.equal(await records().delete('short'), false);
    assert.ok(await records().put('short', bytes('y'), { ifAbsent: true }));
  });

  it('an expired record is no version to change', async () => {
    const version = (await records().put('stale', bytes('x'), { ttlMs: 30 })) ?? 0;
    await sleep(60);
    assert.equal(await records().put('stale', bytes('y'), { ifVersion: version }), undefined);
  });

  it('each put sets the life anew', async () => {
    await records().put('renewed', bytes('x'), { ttlMs: 60 });
    await records().put('renewed', bytes('y'), { ttlMs: 60_000 });
    await records().put('for ever', bytes('x'), { ttlMs: 60 });
    await records().put('for ever', bytes('y'));
    await sleep(100);
    assert.equal(text((await records().get('renewed'))?.value), 'y');
    assert.equal((await records().get('for ever'))?.expiresAtMs, undefined);
  });
}

function listRules(records: () => Records): void {
  it('an index that never was has no records', async () => {
    assert.deepEqual(await records().list('no such index'), { records: [], next: undefined });
  });

  it('a record is found in each of its indexes, whole', async () => {
    const version = await records().put('found', bytes('here'), {
      indexes: ['by user', 'by kind', 'by kind'],
    });
    for (const index of ['by user', 'by kind']) {
      const { records: found } = await records().list(index);
      assert.deepEqual(
        found.map(({ key, value, version }) => [key, text(value), version]),
        [['found', 'here', version]],
      );
    }
  });

  it('a put replaces the indexes of the one before', async () => {
    await records().put('moved', bytes('x'), { indexes: ['here', 'stays'] });
    await records().put('moved', bytes('y'), { indexes: ['there', 'stays'] });
    assert.deepEqual(keysOf(await records().list('here')), []);
    assert.deepEqual(keysOf(await records().list('there')), ['moved']);
    assert.deepEqual(keysOf(await records().list('stays')), ['moved']);
    await records().put('moved', bytes('z'));
    assert.deepEqual(keysOf(await records().list('stays')), []);
  });

  it('a key that expired and came back is only in its new indexes', async () => {
    await records().put('back', bytes('x'), { ttlMs: 30, indexes: ['old life', 'both lives'] });
    await records().put('companion', bytes('x'), { indexes: ['old life'] });
    await sleep(60);
    await records().put('back', bytes('y'), { indexes: ['both lives'] });
    assert.deepEqual(keysOf(await records().list('old life')), ['companion']);
    assert.deepEqual(keysOf(await records().list('both lives')), ['back']);
  });

  it('a deleted record leaves its indexes', async () => {
    await records().put('leaves', bytes('x'), { indexes: ['left'] });
    await records().delete('leaves');
    assert.deepEqual(keysOf(await records().list('left')), []);
  });

  it('a record without a life outlives others in its index', async () => {
    await records().put('mortal', bytes('x'), { ttlMs: 40, indexes: ['mixed'] });
    await records().put('immortal', bytes('x'), { indexes: ['mixed'] });
    await records().put('later', bytes('x'), { ttlMs: 40, indexes: ['mixed'] });
    await sleep(80);
    assert.deepEqual(keysOf(await records().list('mixed')), ['immortal']);
  });

  it('1,050 records come in pages, ordered by the bytes of their keys, each once', async () => {
    const keys = Array.from(
      { length: 1050 },
      (_, index) => `page ${(index * 7919) % 1050} ${index % 2 ? 'é' : 'z'}`,
    );
    await Promise.all(keys.map((key) => records().put(key, bytes(key), { indexes: ['pages'] })));
    const sorted = keys.sort((a, b) => Buffer.compare(Buffer.from(a), Buffer.from(b)));
    for (const limit of [undefined, 1000, 333, 1]) {
      const expected = limit === 1 ? sorted.slice(0, 5) : sorted;
      assert.deepEqual(await readPages(records(), limit, expected.length), expected);
    }
  });

  it('the last page has no next, also when it is full', async () => {
    for (const key of ['f1', 'f2', 'f3', 'f4']) await records().put(key, bytes('x'), { indexes: ['full'] });
    const first = await records().list('full', { limit: 2 });
    assert.equal(first.next, 'f2');
    const last = await records().list('full', { limit: 2, after: 'f2' });
    assert.deepEqual(keysOf(last), ['f3', 'f4']);
    assert.equal(last.next, undefined);
  });

  it('a page is filled with live records though expired ones lie between', async () => {
    for (const [index, key] of ['g1', 'g2', 'g3', 'g4', 'g5', 'g6'].entries()) {
      await records().put(key, bytes('x'), { indexes: ['gaps'], ...(index % 2 === 0 ? { ttlMs: 30 } : {}) });
    }
    await sleep(60);
    const page = await records().list('gaps', { limit: 2 });
    assert.deepEqual([keysOf(page), page.next], [['g2', 'g4'], 'g4']);
  });

  it('a page holds 1 to 1000 records', async () => {
    for (const limit of [0, -1, 1001, 1.5, Number.NaN]) {
      await assert.rejects(records().list('pages', { limit }), RangeError);
    }
  });
}

async function readPages(
  records: Records,
  limit: number | undefined,
  wanted: number,
): Promise<readonly string[]> {
  const keys: string[] = [];
  let after: string | undefined;
  do {
    const page = await records.list('pages', {
      ...(limit === undefined ? {} : { limit }),
      ...(after === undefined ? {} : { after }),
    });
    assert.ok(page.records.length <= (limit ?? 100));
    keys.push(...keysOf(page));
    after = page.next;
  } while (after !== undefined && keys.length < wanted);
  return keys;
}

function keysOf(page: RecordPage): readonly string[] {
  return page.records.map(({ key }) => key);
}
