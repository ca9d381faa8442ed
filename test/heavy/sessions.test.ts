import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { openSessionHouse, SESSION_STEPS } from '../../bench/lib/session-house.ts';
import { median } from '../../bench/lib/statistics.ts';
import { startRedis } from '../support/redis.ts';

const OTHERS = 20_000;
const ROUNDS = 200;
/** `bench/sessions.ts` measures it well; here a step that grows with the number of sessions must not hide in the noise. */
const BOUND = 3;

test('twenty thousand sessions of others make no session step dear in Redis', async (t) => {
  const servers = [await startRedis(), await startRedis()] as const;
  t.after(() => Promise.all(servers.map((server) => server.stop())));
  await compare(servers[0].url, servers[1].url);
});

test('twenty thousand sessions of others make no session step dear in the embedded state', async (t) => {
  const folder = mkdtempSync(join(tmpdir(), 'sallyport-sessions-'));
  t.after(() => rmSync(folder, { recursive: true }));
  await compare(`file:${join(folder, 'empty.db')}`, `file:${join(folder, 'full.db')}`);
});

async function compare(emptyUrl: string, fullUrl: string): Promise<void> {
  const [empty, full] = [await openSessionHouse(emptyUrl), await openSessionHouse(fullUrl)];
  try {
    await full.fill(OTHERS);
    for (const step of SESSION_STEPS) {
      const [alone, among]: [number[], number[]] = [[], []];
      for (let round = 0; round < ROUNDS; round++) {
        alone.push(await empty.time(step));
        among.push(await full.time(step));
      }
      const ratio = median(among) / median(alone);
      assert.ok(ratio < BOUND, `${step} is ${ratio.toFixed(2)} times as dear`);
    }
  } finally {
    await empty.close();
    await full.close();
  }
}
