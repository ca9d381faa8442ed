import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { BrowserJar, fieldOf, type JarAnswer } from '../support/browser-jar.ts';
import { startTestGateway, type TestGateway } from '../support/gateway.ts';
import { totpCode } from '../support/totp-code.ts';

const PASSWORD = 'correct horse';

let house: TestGateway;

before(async () => {
  house = await startTestGateway({
    yaml: `authenticate: { session: {} }
routes: [{ host: localhost, upstream: "internal:whoami", allow: authenticated }]
`,
  });
});

after(() => house.close());

async function firstFactor(user: string): Promise<{ jar: BrowserJar; page: JarAnswer }> {
  const jar = new BrowserJar(house);
  const form = await jar.open('/');
  const fields = { token: fieldOf(form.text, 'token'), return: '/', user, password: PASSWORD };
  return { jar, page: await jar.submit('/.sallyport/sign-in', fields) };
}

/** Makes an account with an authenticator app. @returns the key of the app */
async function enrol(user: string): Promise<string> {
  await house.call('PUT', `/v1/users/${user}`, { password: PASSWORD, groups: [] });
  const { jar } = await firstFactor(user);
  const account = await jar.open('/.sallyport/account');
  const token = fieldOf(account.text, 'token');
  const page = await jar.submit('/.sallyport/account/totp', { token, name: 'phone' });
  const [, key = ''] = /<code class="once">([a-z2-7 ]+)<\/code>/.exec(page.text) ?? [];
  const step = fieldOf(page.text, 'step');
  const code = totpCode(key, Date.now());
  const done = await jar.submit('/.sallyport/account/totp/confirm', { token, step, code });
  assert.equal(done.status, 200, done.text);
  return key;
}

/** Shows the first factor, lets something happen, shows the second one. @returns whether there is a session */
async function signInWhile(user: string, happen: () => Promise<unknown>): Promise<boolean> {
  const key = await enrol(user);
  const { jar, page } = await firstFactor(user);
  const step = fieldOf(page.text, 'step');
  assert.notEqual(step, '', page.text);
  await happen();
  const token = fieldOf(page.text, 'token');
  const sent = { token, step, return: '/', code: totpCode(key, Date.now() + 30_000) };
  await jar.submit('/.sallyport/second-factor', sent);
  return jar.cookies.has('__Host-sallyport');
}

test('a sign-in that nothing happens to becomes a session with its second factor', async () => {
  assert.equal(await signInWhile('anna', async () => {}), true);
});

test('what ends the sessions of somebody between the factors stops their sign-in', async () => {
  const another = { password: 'another password' };
  const happenings: Readonly<Record<string, (user: string) => Promise<unknown>>> = {
    'sessions ended': (user) => house.call('DELETE', `/v1/sessions?user=${user}`),
    'another password': (user) => house.call('PUT', `/v1/users/${user}`, another),
    'subject revoked': (user) => house.call('POST', '/v1/revocations', { subject: user }),
    'account removed': (user) => house.call('DELETE', `/v1/users/${user}`),
  };
  for (const [what, happen] of Object.entries(happenings)) {
    const user = what.replace(' ', '-');
    assert.equal(await signInWhile(user, () => happen(user)), false, what);
  }
});
