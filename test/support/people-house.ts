import { once } from 'node:events';
import { createServer } from 'node:http';
import type { BrowserContext, Page } from 'playwright-core';
import { WebSocketServer } from 'ws';
import { startBrowser, type TestBrowser } from './browser.ts';
import { startTestGateway, type TestGateway } from './gateway.ts';

/** A gateway for people, an upstream with a live page behind it, and a browser that trusts its certificate. */
export interface PeopleHouse {
  readonly browser: TestBrowser;
  readonly gateway: TestGateway;
  /** Origin of the gateway, without a slash at the end. */
  readonly site: string;
  close(): Promise<void>;
}

export const ALICE = { name: 'alice', password: 'correct horse battery' } as const;

/** A page that says in its title what became of its WebSocket. */
const LIVE_PAGE = `<!doctype html><title>connecting</title><p>A live page</p><script>
const socket = new WebSocket(location.origin.replace('http', 'ws') + '/socket');
socket.onmessage = ({ data }) => { document.title = data; };
socket.onclose = ({ code }) => { document.title = 'closed ' + code; };
</script>`;

/** Starts it, with the account of Alice. */
export async function openPeopleHouse(): Promise<PeopleHouse> {
  const upstream = createServer(({ url }, response) => {
    if (url === '/away') response.writeHead(302, { location: `http://127.0.0.1:${port}/elsewhere` }).end();
    else response.writeHead(200, { 'content-type': 'text/html' }).end(LIVE_PAGE);
  });
  const sockets = new WebSocketServer({ server: upstream });
  sockets.on('connection', (socket) => socket.send('live'));
  upstream.listen(0, '127.0.0.1');
  await once(upstream, 'listening');
  const address = upstream.address();
  const port = address === null || typeof address === 'string' ? 0 : address.port;
  const gateway = await startTestGateway({
    yaml: `authenticate:
  session: { idle: 30m, absolute: 12h }
  apiKey: { maxLife: 365d }
routes:
  - { host: localhost, upstream: "http://127.0.0.1:${port}", allow: authenticated }
  - { host: localhost, path: /guarded, upstream: "internal:whoami", allow: authenticated, secondFactor: required }
  - { host: localhost, path: /who, upstream: "internal:whoami", allow: authenticated }
`,
  });
  await gateway.call('PUT', `/v1/users/${ALICE.name}`, { password: ALICE.password, groups: ['staff'] });
  const browser = await startBrowser([gateway.port]);
  return {
    browser,
    gateway,
    site: `https://localhost:${gateway.port}`,
    async close() {
      await browser.close();
      await gateway.close();
      for (const socket of sockets.clients) socket.terminate();
      upstream.close();
      upstream.closeAllConnections();
    },
  };
}

/** Fills in the sign-in page that a tab shows, and waits until it is gone. */
export async function enterPassword(
  page: Page,
  who: { name: string; password: string } = ALICE,
): Promise<void> {
  await page.getByLabel('User name').fill(who.name);
  await page.getByLabel('Password').fill(who.password);
  await page.getByRole('button', { name: 'Sign in' }).click();
  await page.waitForURL((url) => !/^\/\.sallyport\/(sign-in|landed)/.test(url.pathname));
}

/** Opens a page of the gateway in a new tab, signs in where it asks for it, and gives the tab. */
export async function openSignedIn(person: BrowserContext, url: string): Promise<Page> {
  const page = await person.newPage();
  await page.goto(url);
  if (page.url().includes('/.sallyport/sign-in')) await enterPassword(page);
  return page;
}
