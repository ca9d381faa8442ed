import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { DEMONSTRATION } from '../../src/config/demonstration.ts';
import { startBrowser, type TestBrowser } from '../support/browser.ts';
import { startTestGateway, type TestGateway } from '../support/gateway.ts';

let browser: TestBrowser;
let house: TestGateway;

before(async () => {
  const yaml = `${DEMONSTRATION.slice(DEMONSTRATION.indexOf('certificates:'))}
  - { host: localhost, path: /machines, upstream: "internal:whoami", accept: [token], allow: authenticated }`;
  [browser, house] = await Promise.all([startBrowser(), startTestGateway({ yaml })]);
  await house.call('PUT', '/v1/users/alice', { password: 'correct horse battery', groups: ['staff'] });
});

after(() => Promise.all([browser.close(), house.close()]));

test('the public page of the demonstration opens in a browser', async (t) => {
  const person = await browser.person(t);
  const page = await person.newPage();
  const answer = await page.goto(`https://localhost:${house.port}/public`);
  assert.equal(answer?.status(), 200);
});

test('a browser shows the page of a 401 where no password can be given', async (t) => {
  const person = await browser.person(t);
  const page = await person.newPage();
  const answer = await page.goto(`https://localhost:${house.port}/machines/`);
  assert.equal(answer?.status(), 401);
  assert.match(answer?.headers()['content-type'] ?? '', /^text\/html/);
  assert.match((await page.textContent('body')) ?? '', /SP_AUTHENTICATE_REQUIRED/);
});

test('a password given to the browser opens the protected page', async (t) => {
  const person = await browser.person(t, {
    httpCredentials: { username: 'alice', password: 'correct horse battery' },
  });
  const page = await person.newPage();
  const answer = await page.goto(`https://localhost:${house.port}/.sallyport/whoami`);
  assert.equal(answer?.status(), 200);
  assert.match((await page.textContent('body')) ?? '', /"user":\s*"alice"/);
});
