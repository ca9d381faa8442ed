import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import type { GatewayProcess } from '../support/process.ts';
import { startRedis } from '../support/redis.ts';
import { type Moment, openRedisLine, type RedisLine } from '../support/redis-line.ts';
import { type RotatingFleet, rotatingFleet, tell } from '../support/rotating-fleet.ts';
import { startTraffic } from '../support/traffic.ts';

/** A step of a rotation, by what a process says to Redis when it takes it. */
interface Step {
  readonly what: string;
  readonly sends: RegExp;
  /** Whether it is the second time that this is said. */
  readonly again?: true;
}

/** By their digests alone: a script that Redis does not know after a restart is sent again in full. */
const STAGE =
  /EVALSHA\r\n\S+\r\n\S+\r\n\$1\r\n2\r\n\S+\r\n\S*record:certificate-stage\/\S+\r\n\S+\r\n\S*index:certificate-stages\r\n/;
const ACQUIRE = /EVALSHA\r\n\S+\r\n\S+\r\n\$1\r\n2\r\n\S+\r\n\S*lease:certificate-rotation\//;
/** A renewal names a time. */
const RELEASE = /lease:certificate-rotation\/\S+\r\n\$16\r\n\d{16}\r\n\$0\r\n/;

/** What the process that leads does, in order. */
const BEFORE_COMMIT: readonly Step[] = [
  { what: 'takes the lease', sends: ACQUIRE },
  { what: 'stages the pair', sends: STAGE },
  { what: 'tells of the stage', sends: /"certificate-staged"/ },
  { what: 'reads the answers', sends: /index:certificate-answers\// },
  { what: 'prolongs the stage', sends: STAGE, again: true },
];
const COMMIT: Step = {
  what: 'commits',
  sends: /record:certificate\/\S+\r\n\$\d+\r\n\S*index:certificates\r\n/,
};
const AFTER_COMMIT: readonly Step[] = [
  { what: 'tells of the commit', sends: /"certificate-changed"/ },
  { what: 'ends the stage', sends: /record:certificate-stage\/\S+\r\n\$16\r\n\d{16}\r\n/ },
  { what: 'gives the lease back', sends: RELEASE },
];
const LEADING: readonly Step[] = [...BEFORE_COMMIT, COMMIT, ...AFTER_COMMIT];
/** What a process does that takes part. */
const TAKING_PART: readonly Step[] = [
  { what: 'reads the stage', sends: /record:certificate-stage\/\S+\r\n/ },
  { what: 'answers', sends: /record:certificate-answers\// },
  { what: 'reads what counts', sends: /record:certificate\/\S+\r\n/ },
];

interface Round {
  readonly step: Step;
  readonly moment: Moment;
  readonly host: string;
}

function roundsOf(steps: readonly Step[]): readonly Round[] {
  return steps.flatMap((step, at) =>
    (['before', 'after'] as const).map((moment) => ({ step, moment, host: `${moment}-${at}.localhost` })),
  );
}

/** Whether a rotation that the leader's death, or Redis's, stops at this point has been committed. */
function isCommitted({ step, moment }: Round): boolean {
  return AFTER_COMMIT.includes(step) || (step === COMMIT && moment === 'after');
}

/** Three processes, each with a line of its own to one Redis; the first pair of every host is there. */
async function threeOnOneRedis(t: TestContext, hosts: readonly string[]) {
  const redis = await startRedis({ persistent: true });
  t.after(() => redis.stop());
  const fleet = rotatingFleet(t, hosts);
  const open = async (name: string) => {
    const line = await openRedisLine(redis.port);
    t.after(() => line.close());
    return { line, member: await fleet.start(name, line.url) };
  };
  const [a, b, c] = [await open('-a'), await open('-b'), await open('-c')];
  const pairs = new Map(hosts.map((host) => [host, fleet.make(host)]));
  for (const [host, pair] of pairs) {
    const answer = await fleet.rotate(a.member, host, pair);
    assert.equal(answer.status, 200, tell(answer));
  }
  return { redis, fleet, a, b, c, pairs };
}

/** Stops the line of a process at a step of the rotation that `rotate` begins. */
async function reach({ step, moment }: Round, line: RedisLine, rotate: () => void): Promise<void> {
  const reached = line.stopAt(step.sends, moment, step.again === true ? 2 : 1);
  rotate();
  const late = sleep(20_000).then(() => assert.fail(`${moment} it ${step.what}: not reached`));
  await Promise.race([reached, late]);
}

async function kill(member: GatewayProcess, line: RedisLine): Promise<void> {
  member.kill('SIGKILL');
  await member.ended;
  line.open();
}

function watched(fleet: RotatingFleet, { port, ca }: GatewayProcess, hosts: readonly string[]) {
  const house = { port, ca: `${ca}\n${fleet.ca}` };
  return hosts.map((host) => startTraffic(house, { keeping: 0, fresh: 1, question: { host } }));
}

async function noneFailed(t: TestContext, traffic: ReturnType<typeof watched>): Promise<void> {
  await Promise.all(traffic.map((clients) => clients.stop()));
  assert.deepEqual(
    traffic.flatMap(({ failures }) => failures),
    [],
  );
  const handshakes = traffic.reduce((sum, { answered }) => sum + answered, 0);
  t.diagnostic(`${handshakes} handshakes meanwhile, none failed`);
}

test('the process that leads is killed before and after each step: until the commit all serve the old pair, from it on all serve the new one', async (t) => {
  const rounds = roundsOf(LEADING);
  const hosts = rounds.map(({ host }) => host);
  const { fleet, a, b, c, pairs } = await threeOnOneRedis(t, hosts);
  const traffic = watched(fleet, b.member, hosts.slice(0, 2));
  for (const [at, round] of rounds.entries()) {
    const { host, step, moment } = round;
    const [old, next] = [pairs.get(host), fleet.make(host)];
    assert.ok(old !== undefined);
    await reach(round, a.line, () => void fleet.rotate(a.member, host, next).catch(() => undefined));
    await kill(a.member, a.line);
    const expected = isCommitted(round) ? next : old;
    pairs.set(host, expected);
    await fleet.agree(host, [b.member, c.member], expected, `${moment} it ${step.what}`);
    a.member = await fleet.start(`-${at}`, a.line.url);
    await fleet.agree(host, [a.member, b.member, c.member], expected);
  }
  await noneFailed(t, traffic);
  for (const [host, pair] of pairs) await fleet.agree(host, [a.member, b.member, c.member], pair);
  for (const { host } of rounds.slice(0, 3)) {
    const pair = await fleet.rotateSoon(b.member, host);
    await fleet.agree(host, [a.member, b.member, c.member], pair);
  }
});

test('a process that takes part is killed before and after each step: the others rotate without it and name it, and in its place it serves the new pair', async (t) => {
  const rounds = roundsOf(TAKING_PART);
  const hosts = rounds.map(({ host }) => host);
  const { fleet, a, b, c } = await threeOnOneRedis(t, hosts);
  const traffic = watched(fleet, b.member, hosts.slice(0, 2));
  for (const [at, round] of rounds.entries()) {
    const { host, step, moment } = round;
    const next = fleet.make(host);
    let rotating: ReturnType<typeof fleet.rotate> | undefined;
    await reach(round, c.line, () => {
      rotating = fleet.rotate(a.member, host, next);
    });
    await kill(c.member, c.line);
    const answer = await rotating;
    assert.equal(answer?.status, 200, `${moment} it ${step.what}: ${answer && tell(answer)}`);
    const { confirmedBy, missing } = Object(answer?.body);
    const asked: readonly unknown[] = [...confirmedBy, ...missing];
    assert.ok(
      asked.some((id) => String(id).includes(`:${c.member.pid}:`)),
      `${moment} it ${step.what}`,
    );
    await fleet.agree(host, [a.member, b.member], next);
    c.member = await fleet.start(`-${at}`, c.line.url);
    await fleet.agree(host, [a.member, b.member, c.member], next);
  }
  await noneFailed(t, traffic);
});

test('three processes on one state file, the one that leads is killed as it tells of each step: all end on one pair, and a rotation works again', async (t) => {
  const steps = ['rotation-staged', 'rotation-confirmed', 'rotation-committed'];
  const hosts = steps.map((step) => `${step}.localhost`);
  const fleet = rotatingFleet(t, hosts);
  const start = (name: string) => fleet.start(name, 'file:state.db');
  let a = await start('-a');
  const others = [await start('-b'), await start('-c')];
  const ends: string[] = [];
  for (const [at, step] of steps.entries()) {
    const host = hosts[at] ?? '';
    const old = await fleet.rotateSoon(a, host);
    const next = fleet.make(host);
    const rotating = fleet.rotate(a, host, next).catch(() => undefined);
    const end = performance.now() + 10_000;
    const isTold = ({ what, after }: Record<string, unknown>): boolean =>
      what === step && after === next.fingerprint256;
    while (!a.log().some(isTold)) {
      assert.ok(performance.now() < end, `${step} was not told`);
      await sleep(1);
    }
    a.kill('SIGKILL');
    await Promise.all([a.ended, rotating]);
    a = await start(`-${step}`);
    const kept = await fleet.served(a, host);
    const pair = [old, next].find(({ fingerprint256 }) => fingerprint256 === kept);
    assert.ok(pair !== undefined, `${step}: ${kept}`);
    await fleet.agree(host, [a, ...others], pair, step);
    ends.push(`${step}: ${pair === next ? 'new' : 'old'}`);
    await fleet.agree(host, [a, ...others], await fleet.rotateSoon(a, host), step);
  }
  assert.equal(ends.at(-1), 'rotation-committed: new');
  t.diagnostic(ends.join(', '));
});

test('Redis is killed before and after each step of the one that leads: until the commit all serve the old pair, from it on all serve the new one', async (t) => {
  const rounds = roundsOf(LEADING);
  const hosts = rounds.map(({ host }) => host);
  const { redis, fleet, a, b, c, pairs } = await threeOnOneRedis(t, hosts);
  const members = [a.member, b.member, c.member];
  const traffic = watched(fleet, b.member, hosts.slice(0, 2));
  for (const round of rounds) {
    const { host, step, moment } = round;
    const [old, next] = [pairs.get(host), fleet.make(host)];
    assert.ok(old !== undefined);
    let rotating: ReturnType<typeof fleet.rotate> | undefined;
    await reach(round, a.line, () => {
      rotating = fleet.rotate(a.member, host, next);
    });
    await redis.kill();
    a.line.open();
    const answer = await rotating;
    for (const member of members) assert.notEqual(await fleet.served(member, host), undefined);
    await redis.restart();
    const expected = isCommitted(round) ? next : old;
    pairs.set(host, expected);
    if (answer?.status === 200) assert.equal(expected, next);
    await fleet.agree(host, members, expected, `${moment} it ${step.what}: ${answer && tell(answer)}`);
  }
  await noneFailed(t, traffic);
  for (const [host, pair] of pairs) await fleet.agree(host, members, pair);
  const [{ host = '' } = {}] = rounds;
  await redis.kill();
  const refused = await fleet.rotate(a.member, host, fleet.make(host));
  assert.equal(Object(refused.body).code, 'SP_STATE_UNREACHABLE');
  await redis.restart();
  const pair = await fleet.rotateSoon(b.member, host);
  await fleet.agree(host, members, pair);
});
