import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { TestContext } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { ask } from './ask.ts';
import { type FreshPair, pairMaker } from './fresh-pair.ts';
import { type GatewayProcess, startProcess } from './process.ts';

/** Longer than any transaction, its lease and the last look of those who follow it. */
const SETTLED_MS = 45_000;
/** Looks in a row that must agree. */
const STEADY = 4;

/** Answer of a call to the admin API. */
export interface AdminAnswer {
  readonly status: number;
  readonly body: unknown;
}

/** Processes on one state, which serve one certificate for each of some hosts. */
export interface RotatingFleet {
  /** Of every uploaded pair. */
  readonly ca: string;
  readonly members: readonly GatewayProcess[];
  /** Gives a pair for the certificate of a host. */
  make(host: string): FreshPair;
  /** Starts a process, or one in the place of another that has ended. @param state - URL of its state */
  start(name: string, state: string): Promise<GatewayProcess>;
  /** Uploads a pair for a host through one process. */
  rotate(leader: GatewayProcess, host: string, pair: FreshPair): Promise<AdminAnswer>;
  /** Rotates as soon as the lease and the sign of life of a dead process are over. */
  rotateSoon(leader: GatewayProcess, host: string): Promise<FreshPair>;
  /** Gives the fingerprint that a process shows to who asks for a host. */
  served(member: GatewayProcess, host: string): Promise<string | undefined>;
  /** Waits until processes serve a pair, every one of them. @param what - for the message when they do not */
  agree(host: string, members: readonly GatewayProcess[], pair: FreshPair, what?: string): Promise<void>;
}

/**
 * Makes an empty fleet for hosts; the certificate of `a.localhost` is called `a.localhost`.
 *
 * @param bare - further hosts to make pairs for, which no certificate serves
 */
export function rotatingFleet(
  t: TestContext,
  hosts: readonly string[],
  bare: readonly string[] = [],
): RotatingFleet {
  const folder = mkdtempSync(join(tmpdir(), 'sallyport-fleet-'));
  const members: GatewayProcess[] = [];
  const makers = new Map([...hosts, ...bare].map((host) => [host, pairMaker([host])]));
  const ca = [...makers.values()].map((maker) => maker.ca).join('\n');
  t.after(async () => {
    for (const member of members) member.kill('SIGCONT');
    await Promise.all(members.map((member) => member.end()));
    rmSync(folder, { recursive: true, force: true });
  });
  const fleet: RotatingFleet = {
    ca,
    members,
    make(host) {
      const pair = makers.get(host)?.make();
      assert.ok(pair !== undefined);
      return pair;
    },
    async start(name, state) {
      const member = await startProcess({ yaml: configOf(hosts, state), folder, name });
      members.push(member);
      return member;
    },
    rotate: (leader, host, { certificate, key }) =>
      leader.call('PUT', `/v1/certificates/${host}`, { certificate, key }),
    async rotateSoon(leader, host) {
      const pair = fleet.make(host);
      const end = performance.now() + SETTLED_MS;
      for (;;) {
        const answer = await fleet.rotate(leader, host, pair);
        if (answer.status === 200) return pair;
        assert.ok(performance.now() < end, tell(answer));
        await sleep(250);
      }
    },
    served: (member, host) =>
      ask({ port: member.port, ca: `${member.ca}\n${ca}` }, { host }).then((reply) => reply.fingerprint256),
    async agree(host, agreeing, { fingerprint256 }, what = 'in the end') {
      const end = performance.now() + SETTLED_MS;
      let steady = 0;
      while (steady < STEADY) {
        const seen = await Promise.all(agreeing.map((member) => fleet.served(member, host)));
        steady = seen.every((one) => one === fingerprint256) ? steady + 1 : 0;
        assert.ok(performance.now() < end, `${what}, ${host} is served by ${seen.join(' ')}`);
        await sleep(100);
      }
    },
  };
  return fleet;
}

/** Says what an admin API answered, for the message of an assertion. */
export function tell({ status, body }: AdminAnswer): string {
  return `${status} ${JSON.stringify(body)}`;
}

function configOf(hosts: readonly string[], state: string): string {
  const certificates = hosts.map((host) => `  - { name: ${host}, dev: { names: [${host}] } }\n`).join('');
  return `listen: { https: "127.0.0.1:0", admin: "127.0.0.1:0", drain: 1s }
state: { url: "${state}", keyFile: state.key }
certificates:
${certificates}routes: [{ host: "*", upstream: "internal:whoami", public: true }]
`;
}
