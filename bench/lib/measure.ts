import { cpuMicros } from './cpu.ts';
import { type Protocol, sendLoad } from './h2load.ts';
import type { Lane } from './peer.ts';

const CONNECTIONS = 64;

export interface Plan {
  readonly rounds: number;
  readonly requests: number;
  readonly protocol: Protocol;
}

/**
 * Gives the CPU microseconds per answered request of every lane, one number per round.
 * Rounds are interleaved, so that a slow minute of the machine falls on all lanes alike.
 */
export async function measureLanes(
  lanes: readonly Lane[],
  plan: Plan,
): Promise<ReadonlyMap<Lane, readonly number[]>> {
  const results = new Map<Lane, number[]>(lanes.map((lane) => [lane, []]));
  for (const lane of lanes) await send(lane, plan);
  for (let round = 0; round < plan.rounds; round += 1) {
    for (const [lane, numbers] of results) {
      const before = cpuMicros(lane.pid);
      const answered = await send(lane, plan);
      numbers.push((cpuMicros(lane.pid) - before) / answered);
    }
  }
  return results;
}

function send(lane: Lane, plan: Plan): Promise<number> {
  return sendLoad({
    url: lane.url,
    protocol: plan.protocol,
    connections: CONNECTIONS,
    amount: { requests: plan.requests },
    headers: lane.headers,
  });
}
