import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { ask } from '../support/ask.ts';
import { type FreshPair, pairMaker } from '../support/fresh-pair.ts';
import { startProcess } from '../support/process.ts';
import { startRedis } from '../support/redis.ts';
import { openRedisLine } from '../support/redis-line.ts';
import { type RotatingFleet, rotatingFleet, tell } from '../support/rotating-fleet.ts';
import { startTraffic } from '../support/traffic.ts';

const HOST = 'site.localhost';
const NAMES = ['-a', '-b', '-c'] as const;

async function three(t: TestContext, state: string): Promise<RotatingFleet> {
  const fleet = rotatingFleet(t, [HOST]);
  for (const name of NAMES) await fleet.start(name, state);
  return fleet;
}

async function everyRotation(t: TestContext, fleet: RotatingFleet): Promise<void> {
  const { members } = fleet;
  const [a, b, c] = members;
  assert.ok(a !== undefined && b !== undefined && c !== undefined);
  const house = { port: b.port, ca: `${b.ca}\n${fleet.ca}` };
  const traffic = startTraffic(house, { keeping: 1, fresh: 1, question: { host: HOST } });
  const pairs = [fleet.make(HOST), fleet.make(HOST)] as const;
  for (const pair of pairs) {
    const answer = await fleet.rotate(a, HOST, pair);
    assert.equal(answer.status, 200, tell(answer));
    const { confirmedBy, missing } = Object(answer.body);
    assert.equal(confirmedBy.length, 3, tell(answer));
    assert.deepEqual(missing, []);
    for (const { pid } of members)
      assert.ok(confirmedBy.some((id: unknown) => String(id).includes(`:${pid}:`)));
    await fleet.agree(HOST, members, pair);
  }
  const back = await b.call('POST', `/v1/certificates/${HOST}/rollback`);
  assert.equal(back.status, 200, tell(back));
  assert.equal(Object(back.body).confirmedBy.length, 3);
  await fleet.agree(HOST, members, pairs[0]);

  const rivals = members.map((member) => ({ member, pair: fleet.make(HOST) }));
  const answers = await Promise.all(rivals.map(({ member, pair }) => fleet.rotate(member, HOST, pair)));
  assert.deepEqual(answers.map(({ status }) => status).sort(), [200, 409, 409]);
  const winner = rivals[answers.findIndex(({ status }) => status === 200)];
  assert.ok(winner !== undefined);
  await fleet.agree(HOST, members, winner.pair);
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
  await everyRotation(t, await three(t, redis.url));
});

test('three processes on one state file: the same', async (t) => {
  await everyRotation(t, await three(t, 'file:state.db'));
});

test('a process that is frozen holds a rotation up until it no longer counts, is named, and catches up when it goes on; one that is down catches up on start', async (t) => {
  const redis = await startRedis({ persistent: true });
  t.after(() => redis.stop());
  const fleet = await three(t, redis.url);
  const [a, b, c] = fleet.members;
  assert.ok(a !== undefined && b !== undefined && c !== undefined);
  const pair = fleet.make(HOST);
  c.kill('SIGSTOP');
  const answer = await fleet.rotate(a, HOST, pair);
  assert.equal(answer.status, 200, tell(answer));
  assert.equal(Object(answer.body).confirmedBy.length, 2);
  assert.match(Object(answer.body).missing.join(), new RegExp(`^[^,]+:${c.pid}:[^,]+$`));
  c.kill('SIGCONT');
  await fleet.agree(HOST, [a, b, c], pair);
  await b.end();
  const next = fleet.make(HOST);
  const second = await fleet.rotate(a, HOST, next);
  assert.equal(Object(second.body).confirmedBy?.length, 2, tell(second));
  // It took leave.
  assert.deepEqual(Object(second.body).missing, []);
  const late = await fleet.start('-b', redis.url);
  await fleet.agree(HOST, [a, c, late], next);
});

test('a process that is cut off from the state and serves on is named, shows the old pair, and takes the new one when it is back', async (t) => {
  const redis = await startRedis({ persistent: true });
  t.after(() => redis.stop());
  const line = await openRedisLine(redis.port);
  t.after(() => line.close());
  const fleet = rotatingFleet(t, [HOST]);
  const [a, b] = [await fleet.start('-a', redis.url), await fleet.start('-b', line.url)];
  const [old, next] = [fleet.make(HOST), fleet.make(HOST)];
  assert.equal((await fleet.rotate(a, HOST, old)).status, 200);
  await fleet.agree(HOST, [a, b], old);
  line.cut();
  const answer = await fleet.rotate(a, HOST, next);
  assert.equal(answer.status, 200, tell(answer));
  const { confirmedBy, missing } = Object(answer.body);
  assert.deepEqual([confirmedBy.length, missing.length], [1, 1], tell(answer));
  assert.ok(String(missing).includes(`:${b.pid}:`));
  await fleet.agree(HOST, [a], next);
  await fleet.agree(HOST, [b], old);
  line.open();
  await fleet.agree(HOST, [a, b], next);
});

test('of two names that claim one host at once, through two processes, one wins, and all serve it', async (t) => {
  const hosts = Array.from({ length: 5 }, (_, round) => `claimed-${round}.test`);
  const fleet = rotatingFleet(t, [HOST], hosts);
  const members = [
    await fleet.start('-a', 'file:state.db'),
    await fleet.start('-b', 'file:state.db'),
  ] as const;
  for (const host of hosts) {
    const claims = members.map((member, at) => ({ member, name: `${at}-${host}`, pair: fleet.make(host) }));
    const answers = await Promise.all(
      claims.map(({ member, name, pair: { certificate, key } }) =>
        member.call('PUT', `/v1/certificates/${name}`, { certificate, key }),
      ),
    );
    const won = answers.findIndex(({ status }) => status === 200);
    const [lost] = answers.filter((_, at) => at !== won);
    assert.match(JSON.stringify(lost?.body), /name-taken/, answers.map(tell).join(' and '));
    const winner = claims[won];
    assert.ok(winner !== undefined);
    await fleet.agree(host, members, winner.pair);
  }
});

test('an upload takes the place of files on every machine, also where they hold different certificates, until one of them changes', async (t) => {
  const folder = mkdtempSync(join(tmpdir(), 'sallyport-files-'));
  t.after(() => rmSync(folder, { recursive: true, force: true }));
  const maker = pairMaker([HOST]);
  const lay = (name: string): FreshPair => {
    const pair = maker.make();
    writeFileSync(join(folder, `${name}.crt`), pair.certificate);
    writeFileSync(join(folder, `${name}.key`), pair.key);
    return pair;
  };
  const machines = ['a', 'b', 'c'];
  for (const name of machines) lay(name);
  const members = await Promise.all(
    machines.map((name) =>
      startProcess({
        folder,
        name: `-${name}`,
        yaml: `listen: { https: "127.0.0.1:0", admin: "127.0.0.1:0", drain: 1s }
state: { url: "file:state.db", keyFile: state.key }
certificates: [{ name: site, files: { certificate: ${name}.crt, key: ${name}.key } }, { name: admin, dev: { names: [localhost] } }]
routes: [{ host: "*", upstream: "internal:whoami", public: true }]
`,
      }),
    ),
  );
  t.after(() => Promise.all(members.map((member) => member.end())));
  const [first, second] = members;
  assert.ok(first !== undefined && second !== undefined);
  const seen = async (): Promise<readonly (string | undefined)[]> =>
    Promise.all(
      members.map(async ({ port }) => (await ask({ port, ca: maker.ca }, { host: HOST })).fingerprint256),
    );
  const shows = async (wanted: readonly (string | undefined)[]): Promise<void> => {
    const end = performance.now() + 10_000;
    for (let now = await seen(); now.join() !== wanted.join(); now = await seen())
      assert.ok(performance.now() < end, `${now.join()} instead of ${wanted.join()}`);
  };
  assert.equal(new Set(await seen()).size, 3);
  const { certificate, key, fingerprint256 } = maker.make();
  const answer = await first.call('PUT', '/v1/certificates/site', { certificate, key });
  assert.equal(answer.status, 200, tell(answer));
  await shows([fingerprint256, fingerprint256, fingerprint256]);
  const changed = lay('b');
  await shows([fingerprint256, changed.fingerprint256, fingerprint256]);
});
