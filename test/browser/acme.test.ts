import assert from 'node:assert/strict';
import { test } from 'node:test';
import { acmeHouse, waitForPair } from '../support/acme-house.ts';
import { startWaryBrowser } from '../support/wary-browser.ts';

for (const challenge of ['http-01', 'tls-alpn-01'] as const) {
  test(`Chromium accepts a chain ordered by ${challenge} once it knows the CA's root, and refuses it before`, async (t) => {
    const { pebble, tlsPort } = await acmeHouse(t, { challenge, names: ['a.test', 'b.test'] });
    const root = await waitForPair(tlsPort, 'a.test', pebble);

    const knowing = await startWaryBrowser(t, [root]);
    for (const host of ['a.test', 'b.test']) {
      const page = await knowing.newPage();
      const answer = await page.goto(`https://${host}:${tlsPort}/`);
      assert.equal(answer?.status(), 200);
      assert.match((await answer?.securityDetails())?.issuer ?? '', /^Pebble Intermediate CA/);
      assert.match((await page.textContent('body')) ?? '', /"user"/);
      assert.equal(await page.evaluate('isSecureContext'), true);
    }

    const strange = await startWaryBrowser(t, []);
    const page = await strange.newPage();
    await assert.rejects(page.goto(`https://a.test:${tlsPort}/`), /ERR_CERT_AUTHORITY_INVALID/);
  });
}
