/**
 * Whether many routes or many certificates make a request or a handshake dearer: one gateway with the routes of
 * bench/requests.ts, one with thousands of routes more, one with thousands of certificates more.
 *
 *   node bench/scale.ts [--count 10000] [--rounds 5] [--requests 20000]
 */
import { cpuMicros, residentBytes } from './lib/cpu.ts';
import { sendLoad } from './lib/h2load.ts';
import { openLab } from './lib/lab.ts';
import { measureLanes } from './lib/measure.ts';
import { numericOptions } from './lib/options.ts';
import type { Lane } from './lib/peer.ts';
import { type SallyportOptions, startSallyport } from './lib/sallyport.ts';
import { median } from './lib/statistics.ts';
import { formatTable } from './lib/table.ts';

const HANDSHAKES = 1000;

const options = numericOptions({ count: 10_000, rounds: 5, requests: 20_000 });
const say = (line: string): void => void process.stdout.write(`${line}\n`);
const numbers = Array.from({ length: options.count }, (_, index) => index);

const gateways: readonly SallyportOptions[] = [
  { name: 'few' },
  { name: `${options.count} routes`, routes: numbers.map(routeLine).join('\n') },
  {
    name: `${options.count} certificates`,
    certificates: numbers.map((number) => `  - dev: { names: [c${number}.bench.test] }`).join('\n'),
    readyMs: 600_000,
  },
];

const lab = await openLab();
try {
  const lanes: Lane[] = [];
  for (const gateway of gateways) {
    const startedMs = Date.now();
    const { child, port } = await startSallyport(lab, gateway);
    const memory = (residentBytes(child.pid) / 2 ** 20).toFixed(0);
    say(
      `${gateway.name}: ready after ${((Date.now() - startedMs) / 1000).toFixed(1)} s, ${memory} MiB resident`,
    );
    const headers = { authorization: lab.tokens.es256.authorization };
    lanes.push({ name: gateway.name, pid: child.pid, url: `https://localhost:${port}/token/`, headers });
  }
  const requests = await measureLanes(lanes, { ...options, protocol: 'h1' });
  const handshakes = await measureHandshakes(lanes);
  const base = [requests, handshakes].map((results) => median(results.get(lanes[0] ?? fail()) ?? []));
  const rows = lanes.map((lane) => {
    const found = [requests, handshakes].map((results) => median(results.get(lane) ?? []));
    return [
      lane.name,
      ...found.flatMap((value, index) => [value.toFixed(1), (value / (base[index] ?? 1)).toFixed(2)]),
    ];
  });
  say('\nCPU microseconds, median, and ratio to the first line');
  say(formatTable([['', 'per request', 'x', 'per connection', 'x'], ...rows]));
} finally {
  await lab.close();
}

function routeLine(number: number): string {
  const path = number % 2 === 0 ? `/r${number}` : `/token/r${number}/deep`;
  return `  - { host: ${number % 3 === 0 ? `h${number}.bench.test` : 'localhost'}, path: ${path}, upstream: behind, public: true }`;
}

/** @returns CPU microseconds of a new connection with one request on it, one number per round */
async function measureHandshakes(lanes: readonly Lane[]): Promise<ReadonlyMap<Lane, readonly number[]>> {
  const results = new Map<Lane, number[]>(lanes.map((lane) => [lane, []]));
  for (let round = 0; round < options.rounds; round += 1) {
    for (const [lane, found] of results) {
      const before = cpuMicros(lane.pid);
      const amount = { requests: HANDSHAKES };
      await sendLoad({ ...lane, protocol: 'h1', connections: HANDSHAKES, amount });
      found.push((cpuMicros(lane.pid) - before) / HANDSHAKES);
    }
  }
  return results;
}

function fail(): never {
  throw new Error('no gateway was started');
}
