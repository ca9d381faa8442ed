import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { startTestGateway, type TestGateway } from '../support/gateway.ts';
import {
  type ClientStream,
  cutEndings,
  openEveryKind,
  pause,
  type StreamDoor,
} from '../support/open-streams.ts';
import { type StreamUpstream, startStreamUpstream } from '../support/stream-upstream.ts';

let upstream: StreamUpstream;
let other: StreamUpstream;
let house: TestGateway;
let alice: StreamDoor;

const HOSTS = ['keeps', 'policy', 'moves', 'goes'] as const;

interface Written {
  readonly allow?: string;
  readonly gone?: boolean;
  readonly target?: string;
  readonly realm?: string;
}

function yaml({
  allow = 'authenticated',
  gone = false,
  target = upstream.url,
  realm = 'Test',
}: Written): string {
  const route = (host: string, to: string, rule: string) =>
    `  - { host: ${host}.localhost, upstream: ${to}, allow: ${rule} }\n`;
  return `authenticate: { basic: { realm: ${realm} } }
upstreams:
  still: { targets: ["${upstream.url}"] }
  moving: { targets: ["${target}"] }
routes:
${route('keeps', 'still', 'authenticated')}${route('policy', 'still', allow)}${route('moves', 'moving', 'authenticated')}${gone ? '' : route('goes', 'still', 'authenticated')}`;
}

before(async () => {
  upstream = await startStreamUpstream();
  other = await startStreamUpstream();
  house = await startTestGateway({ yaml: yaml({}) });
  await house.call('PUT', '/v1/users/alice', { password: 'correct horse', groups: ['ops'] });
  const credential = Buffer.from('alice:correct horse').toString('base64');
  alice = { ...house, authorization: `Basic ${credential}` };
});

after(async () => {
  await house.close();
  await upstream.close();
  await other.close();
});

async function openEverywhere(): Promise<Record<(typeof HOSTS)[number], ClientStream[]>> {
  const [keeps, policy, moves, goes] = await Promise.all(
    HOSTS.map((host) => openEveryKind({ ...alice, host: `${host}.localhost` })),
  );
  return { keeps: keeps ?? [], policy: policy ?? [], moves: moves ?? [], goes: goes ?? [] };
}

test('a reload cuts the streams of changed and removed routes, and those of unchanged routes flow on', async () => {
  const open = await openEverywhere();
  await house.reconfigure(yaml({ allow: '{ groups: [ops] }', gone: true, target: other.url }));
  for (const host of ['policy', 'moves', 'goes'] as const) {
    const endings = await Promise.all(open[host].map((stream) => stream.ended()));
    assert.deepEqual(endings, cutEndings('route-changed'), host);
  }
  const counts = open.keeps.map((stream) => stream.count());
  await pause(200);
  for (const [i, stream] of open.keeps.entries()) {
    assert.equal(stream.ending(), undefined, stream.kind);
    assert.ok(stream.count() > (counts[i] ?? 0), `${stream.kind} flows on`);
  }
  for (const stream of Object.values(open).flat()) stream.close();
});

test('a reload that changes nothing cuts nothing', async () => {
  await house.reconfigure(yaml({}));
  const open = await openEverywhere();
  await house.reconfigure(`${yaml({})}\n# a comment\n`);
  await pause(200);
  for (const stream of Object.values(open).flat()) {
    assert.equal(stream.ending(), undefined, stream.kind);
    stream.close();
  }
});

test('when a way to sign in is gone, so are the streams that it opened', async () => {
  await house.reconfigure(yaml({}));
  const open = await openEveryKind({ ...alice, host: 'keeps.localhost' });
  const token = `routes:\n  - { host: keeps.localhost, upstream: still, allow: authenticated, accept: [token] }\n`;
  await house.reconfigure(`upstreams: { still: { targets: ["${upstream.url}"] } }\n${token}`);
  assert.deepEqual(await Promise.all(open.map((stream) => stream.ended())), cutEndings('route-changed'));
  for (const stream of open) stream.close();
});
