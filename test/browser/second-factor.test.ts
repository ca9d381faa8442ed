import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import type { Page } from 'playwright-core';
import { enterPassword, openPeopleHouse, openSignedIn, type PeopleHouse } from '../support/people-house.ts';
import { totpCode } from '../support/totp-code.ts';

let house: PeopleHouse;

before(async () => {
  house = await openPeopleHouse();
});

after(() => house.close());

test('an authenticator app is set up, asked for at the next sign-in, and a code counts once', async (t) => {
  const anna = { name: 'anna', password: 'anna likes long walks' };
  await house.gateway.call('PUT', '/v1/users/anna', { password: anna.password, groups: [] });
  const person = await house.browser.person(t);
  const page = await person.newPage();
  await page.goto(`${house.site}/.sallyport/account`);
  await enterPassword(page, anna);
  await page.getByText('Add an authenticator app').click();
  await page.getByRole('button', { name: 'Go on' }).click();
  await page.getByText('Key as text').click();
  const key = (await page.locator('code.once').textContent()) ?? '';
  const code = totpCode(key, Date.now());
  await page.getByLabel('Six digits from the app').fill(code);
  await page.getByRole('button', { name: 'Add the app' }).click();
  await page.getByRole('heading', { name: 'Your recovery codes' }).waitFor();
  const recovery = await page.locator('ol.codes code').allTextContents();
  assert.ok(recovery.length >= 8);
  await page.getByRole('link', { name: 'I have kept them' }).click();
  await page.goto(`${house.site}/guarded`);
  assert.equal(page.url(), `${house.site}/guarded`, 'the app was just shown');

  const elsewhere = await house.browser.person(t);
  const other = await elsewhere.newPage();
  await other.goto(`${house.site}/who`);
  await enterPassword(other, anna);
  await submitCode(other, code);
  await other.getByRole('alert').waitFor();
  await submitCode(other, recovery[0] ?? '');
  await other.waitForURL(`${house.site}/who`);
});

test('a passkey is added, signs in by itself, and counts as the second factor', async (t) => {
  const person = await house.browser.person(t);
  const page = await openSignedIn(person, `${house.site}/.sallyport/account`);
  await plugInAuthenticator(page);
  await page.getByText('Add a passkey').first().click();
  await page.getByRole('button', { name: 'Add a passkey' }).click();
  await page.getByRole('heading', { name: 'Your recovery codes' }).waitFor();
  await page.goto(`${house.site}/.sallyport/sign-out`);
  await page.getByRole('button', { name: 'Sign out' }).click();
  await page.getByRole('heading', { name: 'You are signed out' }).waitFor();

  await page.goto(`${house.site}/guarded`);
  await page.getByRole('button', { name: 'Use a passkey' }).click();
  await page.waitForURL(`${house.site}/guarded`);
  assert.match((await page.textContent('body')) ?? '', /alice/);
});

async function submitCode(page: Page, code: string): Promise<void> {
  await page.getByLabel('Code').fill(code);
  await page.getByRole('button', { name: 'Go on' }).click();
}

/** Gives the tab an authenticator that knows its person and says yes at once. */
async function plugInAuthenticator(page: Page): Promise<void> {
  const devtools = await page.context().newCDPSession(page);
  await devtools.send('WebAuthn.enable');
  await devtools.send('WebAuthn.addVirtualAuthenticator', {
    options: {
      protocol: 'ctap2',
      transport: 'internal',
      hasResidentKey: true,
      hasUserVerification: true,
      isUserVerified: true,
      automaticPresenceSimulation: true,
    },
  });
}
