import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { startBrowser, type TestBrowser } from '../support/browser.ts';
import { startTestGateway, type TestGateway } from '../support/gateway.ts';
import { enterPassword } from '../support/people-house.ts';
import { type StreamUpstream, startStreamUpstream } from '../support/stream-upstream.ts';

const ALICE = { name: 'alice', password: 'correct horse battery' };

/** Says in the title what becomes of the events. */
const LISTEN = `document.title = 'connecting';
const events = new EventSource('/events');
events.onmessage = ({ data }) => { document.title = data; };
events.onerror = () => { document.title = events.readyState === EventSource.CLOSED ? 'closed' : 'cut'; };`;

let browser: TestBrowser;
let upstream: StreamUpstream;
let gateway: TestGateway;
let site: string;
let elsewhere: string;

before(async () => {
  upstream = await startStreamUpstream();
  const yaml = (cors: string): string => `authenticate: { session: {} }
routes:
  - { host: localhost, upstream: "internal:whoami", allow: authenticated }
  - { host: localhost, path: /events, upstream: "${upstream.url}", allow: authenticated }
  - { host: localhost, path: /open, upstream: "internal:whoami", allow: authenticated${cors} }
  - { host: app.localhost, upstream: "internal:whoami", public: true }
`;
  gateway = await startTestGateway({ yaml: yaml('') });
  site = `https://localhost:${gateway.port}`;
  elsewhere = `https://app.localhost:${gateway.port}`;
  await gateway.reconfigure(yaml(`, cors: ["${elsewhere}"]`));
  await gateway.call('PUT', `/v1/users/${ALICE.name}`, { password: ALICE.password, groups: ['staff'] });
  browser = await startBrowser();
});

after(async () => {
  await browser.close();
  await gateway.close();
  await upstream.close();
});

test('an EventSource of a page is cut within a second when the session is revoked, and gives up for good', async (t) => {
  const page = await (await browser.person(t)).newPage();
  await page.goto(`${site}/page`);
  await enterPassword(page, ALICE);
  await page.evaluate(LISTEN);
  await page.waitForFunction("document.title === 'tick'");
  const startedAt = performance.now();
  await gateway.call('DELETE', `/v1/sessions?user=${ALICE.name}`);
  await page.waitForFunction("document.title !== 'tick'", undefined, { polling: 20 });
  assert.ok(performance.now() - startedAt < 1_500);
  await page.waitForFunction("document.title === 'closed'", undefined, { polling: 20 });
  assert.equal(upstream.open(), 0);
});

test('a script of an allowed origin reads how to sign in, after a preflight, too; of another page it reads nothing', async (t) => {
  const page = await (await browser.person(t)).newPage();
  await page.goto(`${elsewhere}/`);
  const read = (url: string, order: object): Promise<unknown> =>
    page.evaluate(`fetch('${url}', ${JSON.stringify(order)}).then(
      async (answer) => ({ status: answer.status, type: answer.headers.get('content-type'), problem: await answer.json() }),
      String,
    )`);
  const signIn = `${site}/.sallyport/sign-in?return=`;
  const plain = await read(`${site}/open/list?x=1`, { credentials: 'include' });
  assert.equal(Object(plain).status, 401, JSON.stringify(plain));
  assert.equal(Object(plain).type, 'application/problem+json');
  assert.equal(Object(plain).problem.signIn, `${signIn}${encodeURIComponent('/open/list?x=1')}`);
  const headers = { 'content-type': 'application/json', 'x-from': 'a script' };
  const order = { method: 'PUT', credentials: 'include', headers, body: '{}' };
  const asked = await read(`${site}/open/list`, order);
  assert.equal(Object(asked).status, 401, JSON.stringify(asked));
  assert.equal(Object(asked).problem.signIn, `${signIn}%2F`);
  assert.match(String(await read(`${site}/list`, { credentials: 'include' })), /TypeError/);
  assert.match(String(await read(`${site}/list`, order)), /TypeError/);
  const seen = (await gateway.log()).filter(({ path }) => String(path).startsWith('/open'));
  assert.deepEqual(
    seen
      .map(({ method, status, reason }) => `${method} ${status} ${reason}`)
      .filter((line) => /OPTIONS/.test(line)),
    ['OPTIONS 204 preflight'],
  );
});
