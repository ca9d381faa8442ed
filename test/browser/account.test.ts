import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { promisify } from 'node:util';
import { ALICE, openPeopleHouse, openSignedIn, type PeopleHouse } from '../support/people-house.ts';

let house: PeopleHouse;

before(async () => {
  house = await openPeopleHouse();
});

after(() => house.close());

test('an app password made on the account page opens the door for curl, until it is ended there', async (t) => {
  const person = await house.browser.person(t);
  const page = await openSignedIn(person, `${house.site}/.sallyport/account`);
  await page.getByText('Make an app password').click();
  await page.locator('#key-name').fill('Backup script');
  await page.getByRole('button', { name: 'Make it' }).click();
  const key = (await page.locator('code.once').textContent()) ?? '';
  assert.ok(key.length >= 40);
  assert.match(await curl('/who', '-u', `${ALICE.name}:${key}`), /"user":\s*"alice"/);
  assert.match(await curl('/who', '-H', `X-Api-Key: ${key}`), /"user":\s*"alice"/);

  await page.getByRole('link', { name: 'I have copied it' }).click();
  await page.getByText('Backup script').waitFor();
  assert.ok(!(await page.content()).includes(key), 'it is shown once');
  await page.getByRole('button', { name: 'End the app password Backup script' }).click();
  await page.getByText('The app password is ended.').waitFor();
  assert.match(await curl('/who', '-H', `Authorization: Bearer ${key}`), /SP_AUTHENTICATE_REJECTED/);
});

test('a session of another browser is seen on the account page, and ended there', async (t) => {
  const [here, there] = [await house.browser.person(t), await house.browser.person(t)];
  const page = await openSignedIn(here, `${house.site}/.sallyport/account`);
  const other = await openSignedIn(there, `${house.site}/who`);
  await page.reload();
  await page.getByText('this browser').waitFor();
  await page.getByRole('button', { name: 'End all other sessions' }).click();
  await page.getByText('All other sessions are ended.').waitFor();
  await other.reload();
  assert.match(other.url(), /\/\.sallyport\/sign-in\?/);
});

async function curl(path: string, ...args: readonly string[]): Promise<string> {
  const ca = join(house.gateway.folder, 'data/dev-ca.crt');
  const resolve = `localhost:${house.gateway.port}:127.0.0.1`;
  const common = ['-sS', '--cacert', ca, '--resolve', resolve];
  const { stdout } = await promisify(execFile)('curl', [...common, ...args, house.site + path]);
  return stdout;
}
