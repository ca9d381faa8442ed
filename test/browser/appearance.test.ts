import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import type { Page } from 'playwright-core';
import { takePicture } from '../support/browser.ts';
import { ALICE, enterPassword, openPeopleHouse, type PeopleHouse } from '../support/people-house.ts';
import { totpCode } from '../support/totp-code.ts';

const NARROW = 340;
const OWN = '/.sallyport';
/** Pictures of every page, light, dark and narrow, are taken for people who ask for them. */
const WANTS_PICTURES = process.env.SALLYPORT_TEST_SCREENSHOTS !== undefined;

let house: PeopleHouse;

before(async () => {
  house = await openPeopleHouse();
});

after(() => house.close());

test('every page fits a narrow screen, names its fields, and breaks none of its own rules', async (t) => {
  const person = await house.browser.person(t);
  const page = await person.newPage();
  const complaints: string[] = [];
  page.on('console', (message) => {
    if (message.type() === 'error' && !/status of 4\d\d/.test(message.text()))
      complaints.push(message.text());
  });
  page.on('pageerror', (error) => complaints.push(error.message));

  await page.goto(`${house.site}/guarded`);
  await look(page, 'sign-in');
  await page.getByLabel('User name').fill(ALICE.name);
  await page.getByLabel('Password').fill('wrong');
  await page.getByRole('button', { name: 'Sign in' }).click();
  await look(page, 'sign-in refused');
  await enterPassword(page);
  await look(page, 'second factor missing');
  await page.goto(`${house.site}${OWN}/account`);
  await look(page, 'account');
  await page.getByText('Make an app password').click();
  await page.locator('#key-name').fill('Backup script on the machine in the cellar');
  await page.locator('#key-addresses').fill('somewhere');
  await page.getByRole('button', { name: 'Make it' }).click();
  await look(page, 'app password refused');
  await page.locator('#key-addresses').fill('192.0.2.0/24');
  await page.getByRole('button', { name: 'Make it' }).click();
  await look(page, 'app password');
  await page.getByRole('link', { name: 'I have copied it' }).click();
  await page.getByText('Add an authenticator app').click();
  await page.getByRole('button', { name: 'Go on' }).click();
  await look(page, 'authenticator app');
  await page.getByText('Key as text').click();
  const key = (await page.locator('code.once').textContent()) ?? '';
  await look(page, 'authenticator app key');
  await page.getByLabel('Six digits from the app').fill(totpCode(key, Date.now()));
  await page.getByRole('button', { name: 'Add the app' }).click();
  await look(page, 'recovery codes');
  await page.getByRole('link', { name: 'I have kept them' }).click();
  await look(page, 'account full');
  await page.goto(`${house.site}${OWN}/sign-out`);
  await look(page, 'sign-out');
  await page.getByRole('button', { name: 'Sign out' }).click();
  await look(page, 'signed out');
  await page.goto(`${house.site}/who`);
  await enterPassword(page);
  await look(page, 'second factor');
  await page.goto(`${house.site}${OWN}/nothing-here`);
  await look(page, 'not found');
  assert.deepEqual(complaints, []);
});

test('a password is enough to sign in where JavaScript is switched off', async (t) => {
  await house.gateway.call('PUT', '/v1/users/bert', { password: 'bert likes old browsers', groups: [] });
  const person = await house.browser.person(t, { javaScriptEnabled: false });
  const page = await person.newPage();
  await page.goto(`${house.site}/who`);
  await enterPassword(page, { name: 'bert', password: 'bert likes old browsers' });
  assert.equal(page.url(), `${house.site}/who`);
});

/** Runs in the page. */
const MEASURE = `({
  width: document.documentElement.scrollWidth,
  headings: document.querySelectorAll('h1').length,
  lang: document.documentElement.lang,
  nameless: [...document.querySelectorAll('input:not([type=hidden]), textarea')].filter(({ labels }) => !labels?.length).length,
})`;

/** Looks at a page: checks what every page has to keep. */
async function look(page: Page, name: string): Promise<void> {
  await page.locator('h1').first().waitFor();
  if (WANTS_PICTURES) {
    for (const colorScheme of ['light', 'dark'] as const) {
      await page.emulateMedia({ colorScheme });
      await takePicture(page, `${name} ${colorScheme}`);
    }
  }
  await page.setViewportSize({ width: NARROW, height: 700 });
  const found = await page.evaluate(MEASURE);
  if (WANTS_PICTURES) await takePicture(page, `${name} narrow`);
  await page.setViewportSize({ width: 1280, height: 720 });
  assert.deepEqual(found, { width: NARROW, headings: 1, lang: 'en', nameless: 0 }, name);
}
