import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { promisify } from 'node:util';
import { fieldOf } from '../support/browser-jar.ts';
import { startTestGateway, type TestGateway } from '../support/gateway.ts';
import { openHttp1, openHttp2 } from '../support/open-streams.ts';
import { type StreamUpstream, startStreamUpstream } from '../support/stream-upstream.ts';

const run = promisify(execFile);
const PASSWORD = 'correct horse';

let upstream: StreamUpstream;
let house: TestGateway;

before(async () => {
  upstream = await startStreamUpstream();
  house = await startTestGateway({
    yaml: `authenticate: { session: {} }
routes:
  - { host: localhost, upstream: "internal:whoami", allow: authenticated }
  - { host: localhost, path: /events, upstream: "${upstream.url}", allow: authenticated }
`,
  });
  await house.call('PUT', '/v1/users/alice', { password: PASSWORD, groups: ['staff'] });
  writeFileSync(join(house.folder, 'ca.pem'), house.ca);
});

after(async () => {
  await house.close();
  await upstream.close();
});

/** A curl with a cookie jar of its own, empty at first. */
function makeCurl(jar: string) {
  rmSync(join(house.folder, jar), { force: true });
  const always = ['-sS', '--cacert', 'ca.pem', '--resolve', `localhost:${house.port}:127.0.0.1`];
  return {
    /** Asks with curl; `-L` among the options follows. @returns status, last address and body */
    async ask(path: string, ...options: readonly string[]) {
      const out = ['-c', jar, '-b', jar, '-w', '\n%{http_code} %{url_effective}'];
      const words = [...always, ...out, ...options, `https://localhost:${house.port}${path}`];
      const { stdout } = await run('curl', words, { cwd: house.folder });
      const [, text = '', status, url = ''] = /^([\s\S]*)\n(\d{3}) (\S+)$/.exec(stdout) ?? [];
      return { status: Number(status), path: new URL(url).pathname, text };
    },
    /** Value of the person's cookie in the jar; empty without one. */
    cookie(): string {
      const lines = readFileSync(join(house.folder, jar), 'utf8').split('\n');
      const fields = lines.map((line) => line.split('\t')).find((line) => line[5] === '__Host-sallyport');
      return fields?.[6] ?? '';
    },
  };
}

type Curl = ReturnType<typeof makeCurl>;

async function signIn(curl: Curl): Promise<void> {
  const form = await curl.ask('/.sallyport/sign-in?return=%2Freports');
  assert.equal(form.status, 200);
  const fields = { token: fieldOf(form.text, 'token'), return: fieldOf(form.text, 'return') };
  const sent = Object.entries({ ...fields, user: 'alice', password: PASSWORD });
  const answer = await curl.ask(
    '/.sallyport/sign-in',
    ...sent.flatMap(([name, value]) => ['--data-urlencode', `${name}=${value}`]),
  );
  assert.equal(answer.status, 303, answer.text);
}

test('curl with a cookie jar signs in through the form, uses the session and signs out', async () => {
  const curl = makeCurl('jar-1');
  assert.equal((await curl.ask('/reports')).status, 401);
  await signIn(curl);
  const used = await curl.ask('/reports');
  assert.equal(used.status, 200);
  assert.equal(JSON.parse(used.text).user, 'alice');
  const secret = curl.cookie();
  assert.equal(used.text.includes(secret), false, 'the service behind never sees the cookie');

  const page = await curl.ask('/.sallyport/sign-out');
  assert.equal(page.status, 200);
  const out = await curl.ask(
    '/.sallyport/sign-out',
    '-L',
    '--data-urlencode',
    `token=${fieldOf(page.text, 'token')}`,
  );
  assert.match(out.text, /You are signed out/);
  assert.equal(curl.cookie(), '', 'the jar forgot it');
  assert.equal((await curl.ask('/reports')).status, 401);
  const replayed = await makeCurl('jar-2').ask('/reports', '-H', `Cookie: __Host-sallyport=${secret}`);
  assert.equal(replayed.status, 401, 'the secret is worth nothing any more');
});

test('curl without the token of the form does not get in', async () => {
  const curl = makeCurl('jar-3');
  const sent = ['-d', 'user=alice', '-d', `password=${PASSWORD}`];
  assert.ok((await curl.ask('/.sallyport/sign-in', ...sent)).status >= 400);
  assert.equal((await curl.ask('/reports')).status, 401);
});

test('a client that reads events with the cookie is cut within a second when the session is revoked', async () => {
  const curl = makeCurl('jar-4');
  await signIn(curl);
  const door = { ...house, cookie: `__Host-sallyport=${curl.cookie()}` };
  const streams = await Promise.all([openHttp1(door, '/events'), openHttp2(door, '/events')]);
  const { body } = await house.call('GET', '/v1/sessions?user=alice');
  assert.ok(Array.isArray(body) && body.length === 1, JSON.stringify(body));
  const startedAt = performance.now();
  assert.equal((await house.call('DELETE', `/v1/sessions/${Object(body[0]).id}`)).status, 204);
  assert.deepEqual(await Promise.all(streams.map((stream) => stream.ended())), ['broken', 'RST 8']);
  assert.ok(performance.now() - startedAt < 1_000);
  const again = await openHttp1(door, '/events').catch((error: unknown) => String(error));
  assert.match(String(again), /status 401/);
  for (const stream of streams) stream.close();
});
