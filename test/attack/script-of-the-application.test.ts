import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { BrowserJar } from '../support/browser-jar.ts';
import { startTestGateway, type TestGateway } from '../support/gateway.ts';

let house: TestGateway;

before(async () => {
  house = await startTestGateway({
    yaml: 'authenticate: { session: {}, apiKey: {} }\nroutes: [{ host: localhost, upstream: "internal:whoami", allow: authenticated }]\n',
  });
  await house.call('PUT', '/v1/users/alice', { password: 'correct horse' });
});

after(() => house.close());

/** What a browser says of a request that a script of the same origin makes; the script cannot change it. */
const SCRIPT = { 'sec-fetch-dest': 'empty', 'sec-fetch-mode': 'cors', 'sec-fetch-site': 'same-origin' };

test('a script of the application neither makes an app password nor reads the account', async () => {
  const jar = new BrowserJar(house);
  await jar.open('/.sallyport/sign-in');
  await jar.submit('/.sallyport/sign-in', { user: 'alice', password: 'correct horse' });
  for (const path of ['', '/keys/new?step=x', '/recovery-codes?step=x', '/totp?step=x']) {
    assert.equal((await jar.send(`/.sallyport/account${path}`, { headers: SCRIPT })).status, 403, path);
  }
  for (const path of [
    '/keys',
    '/keys/end',
    '/totp',
    '/recovery-codes',
    '/factors/remove',
    '/sessions/end-others',
  ]) {
    assert.equal((await jar.post(`/.sallyport/account${path}`, { name: 'x' }, SCRIPT)).status, 403, path);
  }
  assert.equal((await jar.open('/.sallyport/account')).status, 200);
  const options = await jar.post('/.sallyport/account/passkey/options', { name: 'x' }, SCRIPT);
  assert.equal(options.status, 200);
});

test('an address that asks for passkey challenges without end is stopped', async () => {
  const jar = new BrowserJar(house);
  await jar.open('/.sallyport/sign-in');
  let status = 200;
  let asked = 0;
  for (; status === 200 && asked < 700; asked++) {
    status = (await jar.post('/.sallyport/passkey/options', {}, SCRIPT)).status;
  }
  assert.equal(status, 429);
  assert.equal(asked, 601);
});
