/**
 * CPU per answered request, side by side with nginx and haproxy. How it is measured stands in bench/README.md.
 *
 *   npm run bench -- [--rounds 5] [--requests 20000]
 */
import { haproxy } from './lib/haproxy.ts';
import { openLab } from './lib/lab.ts';
import { measureLanes } from './lib/measure.ts';
import { nginx } from './lib/nginx.ts';
import { numericOptions } from './lib/options.ts';
import type { Lane } from './lib/peer.ts';
import { sallyport } from './lib/sallyport.ts';
import { median } from './lib/statistics.ts';
import { formatTable } from './lib/table.ts';

const options = numericOptions({ rounds: 5, requests: 20_000 });
const say = (line: string): void => void process.stdout.write(`${line}\n`);

const lab = await openLab();
try {
  const lanes: Lane[] = [];
  for (const peer of [nginx, haproxy, sallyport]) lanes.push(...(await peer(lab, say)));
  for (const protocol of ['h1', 'h2'] as const) {
    const results = await measureLanes(lanes, { ...options, protocol });
    say(
      `\n${protocol === 'h1' ? 'HTTP/1.1' : 'HTTP/2'}: CPU microseconds per answered request, ${options.rounds} rounds`,
    );
    say(report(results));
  }
} finally {
  await lab.close();
}

function report(results: ReadonlyMap<Lane, readonly number[]>): string {
  const reference = [...results].find(([lane]) => lane.name === 'nginx plain')?.[1];
  const ratio = (numbers: readonly number[], of: (values: readonly number[]) => number): string =>
    reference === undefined ? '-' : (of(numbers) / of(reference)).toFixed(2);
  const minimum = (values: readonly number[]): number => Math.min(...values);
  const rows = [...results].map(([lane, numbers]) => [
    lane.name,
    minimum(numbers).toFixed(1),
    median(numbers).toFixed(1),
    ratio(numbers, minimum),
    ratio(numbers, median),
  ]);
  return formatTable([['', 'min', 'median', 'x nginx (min)', 'x nginx (median)'], ...rows]);
}
