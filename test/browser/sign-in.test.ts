import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import {
  ALICE,
  enterPassword,
  openPeopleHouse,
  openSignedIn,
  type PeopleHouse,
} from '../support/people-house.ts';

let house: PeopleHouse;

before(async () => {
  house = await openPeopleHouse();
});

after(() => house.close());

test('who is not known is led to the sign-in page, and after the password to where they wanted to go', async (t) => {
  const person = await house.browser.person(t);
  const page = await person.newPage();
  await page.goto(`${house.site}/who/deep?x=1&y=%2F`);
  assert.match(page.url(), /\/\.sallyport\/sign-in\?/);
  await enterPassword(page);
  assert.equal(page.url(), `${house.site}/who/deep?x=1&y=%2F`);
  assert.match((await page.textContent('body')) ?? '', /"user":\s*"alice"/);
});

test('a sign-in and a kept form arrive also where the application leads on to another origin', async (t) => {
  const person = await house.browser.person(t);
  const page = await person.newPage();
  await page.goto(`${house.site}/away`);
  await enterPassword(page);
  await page.waitForURL(/^http:\/\/127\.0\.0\.1:\d+\/elsewhere$/);
  await page.goto(`${house.site}/who`);
  await page.setContent(
    `<form method="post" action="${house.site}/away"><button name="a">Order</button></form>`,
  );
  await person.clearCookies();
  await page.getByRole('button', { name: 'Order' }).click();
  await enterPassword(page);
  await page.getByRole('button', { name: 'Send it' }).click();
  await page.waitForURL(/^http:\/\/127\.0\.0\.1:\d+\/elsewhere$/);
});

test('a wrong password is told on the page, and the right one opens it afterwards', async (t) => {
  const person = await house.browser.person(t);
  const page = await person.newPage();
  await page.goto(`${house.site}/who`);
  await page.getByLabel('User name').fill(ALICE.name);
  await page.getByLabel('Password').fill('wrong');
  await page.getByRole('button', { name: 'Sign in' }).click();
  await page.getByRole('alert').waitFor();
  assert.match((await page.getByRole('alert').textContent()) ?? '', /wrong/);
  await page.getByLabel('Password').fill(ALICE.password);
  await page.getByRole('button', { name: 'Sign in' }).click();
  await page.waitForURL(`${house.site}/who`);
  const failed = (await house.gateway.log()).filter(({ log }) => log === 'security');
  assert.deepEqual(
    failed.map(({ event, user, method, reason }) => ({ event, user, method, reason })),
    [{ event: 'sign-in-failed', user: 'alice', method: 'password', reason: 'password-wrong' }],
  );
});

test('a sign-out in one tab ends the session of the other', async (t) => {
  const person = await house.browser.person(t);
  const one = await openSignedIn(person, `${house.site}/who`);
  const other = await openSignedIn(person, `${house.site}/who`);
  assert.equal(other.url(), `${house.site}/who`, 'the other tab is signed in already');
  await one.goto(`${house.site}/.sallyport/sign-out`);
  await one.getByRole('button', { name: 'Sign out' }).click();
  await one.getByRole('heading', { name: 'You are signed out' }).waitFor();
  await other.reload();
  assert.match(other.url(), /\/\.sallyport\/sign-in\?/);
});

test('ten tabs that ask at once all come to where they wanted to go', async (t) => {
  const person = await house.browser.person(t);
  const tabs = await Promise.all(Array.from({ length: 10 }, () => person.newPage()));
  await Promise.all(tabs.map((tab, number) => tab.goto(`${house.site}/who/${number}`)));
  await Promise.all(tabs.map((tab) => enterPassword(tab)));
  assert.deepEqual(
    tabs.map((tab) => tab.url()),
    tabs.map((_, number) => `${house.site}/who/${number}`),
  );
});

test('a session that the admin ends takes the open WebSocket of the page with it within a second', async (t) => {
  const person = await house.browser.person(t);
  const page = await openSignedIn(person, `${house.site}/`);
  await page.waitForFunction("document.title === 'live'");
  const startedMs = performance.now();
  await house.gateway.call('DELETE', `/v1/sessions?user=${ALICE.name}`);
  await page.waitForFunction("document.title.startsWith('closed')", undefined, { polling: 20 });
  assert.ok(performance.now() - startedMs < 1_500);
  assert.equal(await page.title(), 'closed 4401');
  await page.reload();
  assert.match(page.url(), /\/\.sallyport\/sign-in\?/);
});
