import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { ask } from '../support/ask.ts';
import { type FreshPair, pairMaker } from '../support/fresh-pair.ts';
import { type GatewayProcess, startProcess } from '../support/process.ts';
import { startRedis } from '../support/redis.ts';
import { startTraffic } from '../support/traffic.ts';

const SITE = '/v1/certificates/localhost';
/** Longer than any transaction, its lease and the last look of those who follow it. */
const SETTLED_MS = 45_000;

function config(state: string): string {
  return `listen: { https: "127.0.0.1:0", admin: "127.0.0.1:0", drain: 1s }
state: { url: "${state}", keyFile: state.key }
certificates: [{ name: localhost, dev: { names: [localhost, "*.localhost"] } }]
routes: [{ host: localhost, upstream: "internal:whoami", public: true }]
`;
}

interface Fleet {
  readonly folder: string;
  readonly state: string;
  readonly members: GatewayProcess[];
  readonly maker: ReturnType<typeof pairMaker>;
  start(name: string): Promise<GatewayProcess>;
}

async function fleet(t: TestContext, state: string): Promise<Fleet> {
  const folder = mkdtempSync(join(tmpdir(), 'sallyport-fleet-'));
  const members: GatewayProcess[] = [];
  const start = async (name: string): Promise<GatewayProcess> => {
    const member = await startProcess({ yaml: config(state), folder, name });
    members.push(member);
    return member;
  };
  t.after(async () => {
    for (const member of members) member.kill('SIGCONT');
    await Promise.all(members.map((member) => member.end()));
    rmSync(folder, { recursive: true, force: true });
  });
  for (const name of ['-a', '-b', '-c']) await start(name);
  return { folder, state, members, maker: pairMaker(['localhost', '*.localhost']), start };
}

const upload = ({ certificate, key }: FreshPair) => ({ certificate, key });

function served(member: GatewayProcess, { maker }: Fleet): Promise<string | undefined> {
  return ask({ port: member.port, ca: `${member.ca}\n${maker.ca}` }).then((reply) => reply.fingerprint256);
}

/** Waits until every member serves one and the same of the pairs, and goes on doing so. */
async function agree(
  house: Fleet,
  members: readonly GatewayProcess[],
  allowed: readonly FreshPair[],
): Promise<string> {
  const end = performance.now() + SETTLED_MS;
  let steady = 0;
  for (;;) {
    const seen = new Set(await Promise.all(members.map((member) => served(member, house))));
    const [only] = seen;
    const good = seen.size === 1 && allowed.some(({ fingerprint256 }) => fingerprint256 === only);
    steady = good ? steady + 1 : 0;
    if (good && steady === 5) return only ?? '';
    assert.ok(performance.now() < end, `a mix in the end: ${[...seen].join(' ')}`);
    await sleep(good ? 300 : 100);
  }
}

function tell(answer: { readonly status: number; readonly body: unknown }): string {
  return `${answer.status} ${JSON.stringify(answer.body)}`;
}

async function everyPhase(t: TestContext, house: Fleet): Promise<void> {
  const [a, b, c] = house.members;
  assert.ok(a !== undefined && b !== undefined && c !== undefined);
  const traffic = startTraffic({ port: b.port, ca: `${b.ca}\n${house.maker.ca}` }, { keeping: 1, fresh: 1 });
  const pairs = [house.maker.make(), house.maker.make()];
  for (const pair of pairs) {
    const answer = await a.call('PUT', SITE, upload(pair));
    assert.equal(answer.status, 200, tell(answer));
    const confirmedBy: unknown = Object(answer.body).confirmedBy;
    assert.ok(Array.isArray(confirmedBy) && confirmedBy.length === 3, tell(answer));
    for (const member of house.members) {
      assert.ok(confirmedBy.map(String).some((id) => id.includes(`:${member.pid}:`)));
    }
    await agree(house, house.members, [pair]);
  }
  const back = await b.call('POST', `${SITE}/rollback`);
  assert.equal(back.status, 200, tell(back));
  assert.equal(Object(back.body).confirmedBy.length, 3);
  assert.equal(await agree(house, house.members, pairs), pairs[0]?.fingerprint256);

  const rivals = [house.maker.make(), house.maker.make(), house.maker.make()];
  const answers = await Promise.all(
    rivals.map((pair, at) => house.members[at]?.call('PUT', SITE, upload(pair))),
  );
  const won = answers.findIndex((answer) => answer?.status === 200);
  for (const [at, answer] of answers.entries()) {
    if (at !== won) assert.equal(answer?.status, 409);
  }
  const winner = rivals[won];
  assert.ok(winner !== undefined);
  await agree(house, house.members, [winner]);
  await traffic.stop();
  assert.deepEqual(traffic.failures, []);
  t.diagnostic(`${traffic.answered} requests during the rotations, none failed`);

  const audit = await c.call('GET', '/v1/audit?limit=200');
  const steps = (Array.isArray(audit.body) ? audit.body : []).map(({ what }) => what);
  for (const step of ['rotation-staged', 'rotation-confirmed', 'rotation-committed'])
    assert.ok(steps.includes(step));
  assert.ok(steps.includes('PUT /v1/certificates/:name'));
}

test('three processes on one Redis: each rotation is confirmed by all, one of several at once wins, and no handshake fails', async (t) => {
  const redis = await startRedis({ persistent: true });
  t.after(() => redis.stop());
  await everyPhase(t, await fleet(t, redis.url));
});

test('three processes on one state file: the same', async (t) => {
  await everyPhase(t, await fleet(t, 'file:state.db'));
});

test('a process that is frozen holds a rotation up until it no longer counts, and catches up when it goes on; one that is down catches up on start', async (t) => {
  const redis = await startRedis({ persistent: true });
  t.after(() => redis.stop());
  const house = await fleet(t, redis.url);
  const [a, b, c] = house.members;
  assert.ok(a !== undefined && b !== undefined && c !== undefined);
  const pair = house.maker.make();
  c.kill('SIGSTOP');
  const answer = await a.call('PUT', SITE, upload(pair));
  assert.equal(answer.status, 200, tell(answer));
  assert.equal(Object(answer.body).confirmedBy.length, 2);
  c.kill('SIGCONT');
  await agree(house, house.members, [pair]);
  await b.end();
  const next = house.maker.make();
  const second = await a.call('PUT', SITE, upload(next));
  assert.equal(Object(second.body).confirmedBy?.length, 2, tell(second));
  const late = await house.start('-b');
  await agree(house, [a, c, late], [next]);
});

/** Rotates as soon as the lease and the sign of life of a dead process are over. */
async function rotateSoon(house: Fleet, leader: GatewayProcess): Promise<FreshPair> {
  const pair = house.maker.make();
  const end = performance.now() + SETTLED_MS;
  for (;;) {
    const answer = await leader.call('PUT', SITE, upload(pair));
    if (answer.status === 200) return pair;
    assert.ok(performance.now() < end, tell(answer));
    await sleep(250);
  }
}

/** Delays after the start of a rotation that land in its check, stage, confirmation, commit and afterwards. */
const MOMENTS_MS = [5, 25, 60, 110, 200, 400];

for (const victim of ['the one that leads', 'one that takes part'] as const) {
  test(`killed at any moment of a rotation, ${victim}: all end on one pair`, async (t) => {
    const redis = await startRedis({ persistent: true });
    t.after(() => redis.stop());
    const house = await fleet(t, redis.url);
    let [a, b, c] = house.members;
    assert.ok(a !== undefined && b !== undefined && c !== undefined);
    let old = house.maker.make();
    assert.equal((await a.call('PUT', SITE, upload(old))).status, 200);
    const ends: string[] = [];
    for (const [round, momentMs] of MOMENTS_MS.entries()) {
      const next = house.maker.make();
      const rotating = a.call('PUT', SITE, upload(next)).catch(() => undefined);
      await sleep(momentMs);
      const dying: GatewayProcess = victim === 'the one that leads' ? a : c;
      dying.kill('SIGKILL');
      await Promise.all([dying.ended, rotating]);
      const left = [a, b, c].filter((member) => member !== dying);
      const end = await agree(house, left, [old, next]);
      ends.push(end === next.fingerprint256 ? 'new' : 'old');
      if (end === next.fingerprint256) old = next;
      const fresh = await house.start(`-${round}`);
      if (dying === a) [a, b, c] = [b, c, fresh];
      else c = fresh;
      await agree(house, [a, b, c], [old]);
      old = await rotateSoon(house, a);
    }
    t.diagnostic(`after ${MOMENTS_MS.join(', ')} ms: ${ends.join(', ')}`);
  });
}

test('Redis killed at any moment of a rotation: all end on one pair, and then a rotation works again', async (t) => {
  const redis = await startRedis({ persistent: true });
  t.after(() => redis.stop());
  const house = await fleet(t, redis.url);
  const [a] = house.members;
  assert.ok(a !== undefined);
  let old = await rotateSoon(house, a);
  const ends: string[] = [];
  for (const momentMs of MOMENTS_MS) {
    const next = house.maker.make();
    const rotating = a.call('PUT', SITE, upload(next));
    await sleep(momentMs);
    await redis.kill();
    const { status } = await rotating;
    await sleep(1_000);
    for (const member of house.members) assert.notEqual(await served(member, house), undefined);
    await redis.restart();
    const end = await agree(house, house.members, [old, next]);
    ends.push(`${status} ${end === next.fingerprint256 ? 'new' : 'old'}`);
    if (status === 200) assert.equal(end, next.fingerprint256);
    old = await rotateSoon(house, a);
    await agree(house, house.members, [old]);
  }
  const away = house.maker.make();
  await redis.kill();
  const refused = await a.call('PUT', SITE, upload(away));
  assert.equal(Object(refused.body).code, 'SP_STATE_UNREACHABLE');
  assert.equal(await served(a, house), old.fingerprint256);
  t.diagnostic(`after ${MOMENTS_MS.join(', ')} ms: ${ends.join(', ')}`);
});
