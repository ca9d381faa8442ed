/**
 * Latency under a steady load well below what one core can carry: 50th, 90th, 99th percentile and the slowest request.
 *
 *   node bench/latency.ts [--rate 2000] [--seconds 20]
 *
 * h2load paces each connection and waits for an answer before it asks again, so a stall delays the next request of the
 * same connection instead of piling requests up.
 */
import { readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { type Protocol, sendLoad } from './lib/h2load.ts';
import { type Lab, openLab } from './lib/lab.ts';
import { nginx } from './lib/nginx.ts';
import { numericOptions } from './lib/options.ts';
import type { Lane } from './lib/peer.ts';
import { sallyport } from './lib/sallyport.ts';
import { quantile } from './lib/statistics.ts';
import { formatTable } from './lib/table.ts';

const CONNECTIONS = 32;
const WARM_UP_SECONDS = 5;

const options = numericOptions({ rate: 2000, seconds: 20 });
const say = (line: string): void => void process.stdout.write(`${line}\n`);

const lab = await openLab();
try {
  const lanes = [...(await nginx(lab, say)), ...(await sallyport(lab, say))].filter(
    (lane) => lane.name !== 'nginx auth_basic apr1',
  );
  for (const protocol of ['h1', 'h2'] as const) {
    const rows = [];
    for (const lane of lanes) {
      await paced(lab, lane, protocol, WARM_UP_SECONDS);
      rows.push([lane.name, ...percentiles(await paced(lab, lane, protocol, options.seconds))]);
    }
    say(
      `\n${protocol === 'h1' ? 'HTTP/1.1' : 'HTTP/2'}: milliseconds at ${options.rate} requests per second`,
    );
    say(formatTable([['', 'requests', 'p50', 'p90', 'p99', 'slowest'], ...rows]));
  }
} finally {
  await lab.close();
}

/** @returns the duration of every request, milliseconds */
async function paced(from: Lab, lane: Lane, protocol: Protocol, seconds: number): Promise<readonly number[]> {
  const logFile = join(from.folder, 'requests.tsv');
  // h2load appends.
  rmSync(logFile, { force: true });
  await sendLoad({
    url: lane.url,
    protocol,
    connections: CONNECTIONS,
    amount: { ratePerConnection: options.rate / CONNECTIONS, seconds },
    headers: lane.headers,
    logFile,
  });
  const lines = readFileSync(logFile, 'utf8').trim().split('\n');
  return lines.map((line) => Number(line.split('\t')[2]) / 1000);
}

function percentiles(durations: readonly number[]): readonly string[] {
  const points = [0.5, 0.9, 0.99, 1].map((share) => quantile(durations, share).toFixed(2));
  return [String(durations.length), ...points];
}
