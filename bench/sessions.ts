/**
 * Whether sessions of others make sign-in, lookup, listing and ending dearer, in Redis and in the embedded state, and how
 * much room a session takes. Beside each state that is filled stands an empty one; both are measured in turns.
 *
 *   node bench/sessions.ts [--count 1000000] [--rounds 400]
 */
import { mkdtempSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type RedisServer, startRedis } from '../test/support/redis.ts';
import { numericOptions } from './lib/options.ts';
import { openSessionHouse, SESSION_STEPS, type SessionHouse } from './lib/session-house.ts';
import { median, quantile } from './lib/statistics.ts';
import { formatTable } from './lib/table.ts';

/** A state of a kind, and what tells its size in bytes. */
interface Place {
  readonly url: string;
  readonly bytes: () => Promise<number>;
}

const options = numericOptions({ count: 1_000_000, rounds: 400 });
const say = (line: string): void => void process.stdout.write(`${line}\n`);
const folder = mkdtempSync(join(tmpdir(), 'sallyport-sessions-'));
const servers: RedisServer[] = [];

try {
  await measure('Redis', redisPlace);
  await measure('embedded', embeddedPlace);
} finally {
  await Promise.all(servers.map((server) => server.stop()));
  rmSync(folder, { recursive: true, force: true });
}

async function measure(name: string, open: (name: string) => Promise<Place>): Promise<void> {
  const [emptyPlace, fullPlace] = [await open('empty'), await open('full')];
  const [empty, full] = [await openSessionHouse(emptyPlace.url), await openSessionHouse(fullPlace.url)];
  try {
    const before = await fullPlace.bytes();
    const startedMs = performance.now();
    await full.fill(options.count);
    const seconds = (performance.now() - startedMs) / 1000;
    const each = ((await fullPlace.bytes()) - before) / options.count;
    say(
      `\n${name}: ${options.count} sessions made in ${seconds.toFixed(0)} s, ${each.toFixed(0)} bytes each`,
    );
    say(formatTable(await table(empty, full)));
  } finally {
    await empty.close();
    await full.close();
  }
}

async function table(empty: SessionHouse, full: SessionHouse): Promise<readonly (readonly string[])[]> {
  const rows: string[][] = [['microseconds', 'empty', 'full', 'x', 'empty p99', 'full p99']];
  for (const step of SESSION_STEPS) {
    const [alone, among]: [number[], number[]] = [[], []];
    for (let round = -20; round < options.rounds; round++) {
      // In turns, so that neither always comes first.
      const fullFirst = round % 2 === 0 ? await full.time(step) : undefined;
      const left = await empty.time(step);
      const right = fullFirst ?? (await full.time(step));
      if (round < 0) continue;
      alone.push(left * 1000);
      among.push(right * 1000);
    }
    const [a, b] = [median(alone), median(among)];
    const tails = [alone, among].map((values) => quantile(values, 0.99).toFixed(0));
    rows.push([step, a.toFixed(0), b.toFixed(0), (b / a).toFixed(2), ...tails]);
  }
  return rows;
}

async function redisPlace(): Promise<Place> {
  const server = await startRedis();
  servers.push(server);
  const bytes = async (): Promise<number> => {
    const found = /^used_memory:(\d+)/m.exec(await server.command('INFO', 'memory'));
    return Number(found?.[1]);
  };
  return { url: server.url, bytes };
}

async function embeddedPlace(name: string): Promise<Place> {
  const path = join(folder, `${name}.db`);
  return { url: `file:${path}`, bytes: async () => statSync(path, { throwIfNoEntry: false })?.size ?? 0 };
}
