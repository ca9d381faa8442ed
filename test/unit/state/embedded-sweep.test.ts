import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, beforeEach, it } from 'node:test';
import { silentLogger } from '../../../src/lib/logger.ts';
import { EmbeddedConnection } from '../../../src/state/embedded-connection.ts';
import { EmbeddedCounters } from '../../../src/state/embedded-counters.ts';
import { EmbeddedEvents } from '../../../src/state/embedded-events.ts';
import { EmbeddedLeases } from '../../../src/state/embedded-leases.ts';
import { EmbeddedRecords } from '../../../src/state/embedded-records.ts';
import { integer } from '../../../src/state/embedded-row.ts';
import { sweepOnce } from '../../../src/state/embedded-sweep.ts';
import { HealthBoard } from '../../../src/state/health-board.ts';
import { bytes } from '../../contract/rule-words.ts';

const DAY_MS = 24 * 60 * 60 * 1000;
const folder = mkdtempSync(join(tmpdir(), 'sallyport-sweep-'));
const opened: EmbeddedConnection[] = [];
after(() => {
  for (const connection of opened) connection.close();
  rmSync(folder, { recursive: true, force: true });
});

let nowMs = 0;
let connection: EmbeddedConnection;
const clock = (): number => nowMs;
beforeEach(() => {
  nowMs = 5 * DAY_MS;
  const path = join(folder, `s${opened.length}.db`);
  connection = new EmbeddedConnection(
    { path },
    new HealthBoard('embedded', true, clock, silentLogger),
    silentLogger,
  );
  opened.push(connection);
});

function rows(table: string): number {
  return connection.read((prepare) => integer(prepare(`SELECT count(*) AS n FROM ${table}`).get(), 'n'));
}

it('a sweep frees what has expired and nothing else', async () => {
  const records = new EmbeddedRecords(connection, clock);
  const counters = new EmbeddedCounters(connection, clock);
  const leases = new EmbeddedLeases(connection, clock);
  for (const [name, lifeMs] of [
    ['over', 1000],
    ['live', 5000],
  ] as const) {
    await records.put(name, bytes(name), { ttlMs: lifeMs, indexes: ['a', 'b'] });
    await counters.increment(name, lifeMs);
    await leases.acquire(name, 'holder', lifeMs);
  }
  await records.put('for ever', bytes('x'), { indexes: ['a'] });
  nowMs += 1000;
  assert.equal(sweepOnce(connection, nowMs), false);
  assert.deepEqual(['records', 'record_indexes', 'counters', 'leases'].map(rows), [2, 3, 1, 1]);
});

it('a sweep takes small batches and says when there is more', async () => {
  const records = new EmbeddedRecords(connection, clock);
  for (let index = 0; index < 450; index += 1) await records.put(`k${index}`, bytes('x'), { ttlMs: 10 });
  nowMs += 10;
  const more: boolean[] = [];
  do more.push(sweepOnce(connection, nowMs));
  while (more.at(-1));
  assert.deepEqual([more, rows('records')], [[true, true, false], 0]);
});

it('events of more than a day are trimmed but the newest, and who was at an older one gets a gap', async () => {
  const events = new EmbeddedEvents(connection, clock, silentLogger);
  const offsets: string[] = [];
  for (const word of ['1', '2', '3']) offsets.push(await events.append(bytes(word)));
  nowMs += DAY_MS + 1;
  sweepOnce(connection, nowMs);
  assert.equal(rows('events'), 1);
  assert.equal(await events.tail(), offsets[2]);
  const gaps: string[] = [];
  const stops = ['tail', ...offsets].map((offset, index) =>
    events.follow(
      index === 0 ? (offsets[2] ?? '') : offset,
      () => {},
      () => gaps.push(offset),
    ),
  );
  await new Promise((resolve) => setTimeout(resolve, 30));
  for (const stop of stops) stop();
  assert.deepEqual(gaps, [offsets[0]], 'only the event between is lost');
});

it('a fence grows although the row of the lease was swept', async () => {
  const leases = new EmbeddedLeases(connection, clock);
  const first = await leases.acquire('l', 'a', 10);
  nowMs += 10;
  sweepOnce(connection, nowMs);
  assert.equal(rows('leases'), 0);
  const second = await leases.acquire('l', 'a', 10);
  assert.ok(first && second && second.fence > first.fence);
});
