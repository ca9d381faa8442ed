import assert from 'node:assert/strict';
import { after, before, type TestContext, test } from 'node:test';
import type { Page } from 'playwright-core';
import { startBrowser, type TestBrowser, takePicture } from '../support/browser.ts';
import { startTestGateway, type TestGateway } from '../support/gateway.ts';
import { CLIENT_SECRET, type RealProvider, startRealProvider } from '../support/real-provider.ts';

let browser: TestBrowser;

before(async () => {
  browser = await startBrowser();
});

after(() => browser.close());

const ROUTES = `routes:
  - { host: localhost, upstream: "internal:whoami", allow: authenticated }
`;

async function open(
  t: TestContext,
  isAway = false,
): Promise<{ gateway: TestGateway; provider: RealProvider; site: string }> {
  const gateway = await startTestGateway({
    yaml: `authenticate: { session: { idle: 30m, absolute: 12h } }\n${ROUTES}`,
    env: { CORP_SECRET: CLIENT_SECRET },
  });
  t.after(() => gateway.close());
  const authority = `localhost:${gateway.port}`;
  const provider = await startRealProvider(t, { authorities: [authority] });
  provider.goAway(isAway);
  provider.users.set('olga', { email: 'olga@corp.test', emailVerified: true, groups: ['ops'] });
  await gateway.reconfigure(`authenticate:
  session: { idle: 30m, absolute: 12h }
  oidc:
    - { name: corp, displayName: Corp, issuer: "${provider.issuer}", ca: "${provider.caFile}", clientId: sallyport, clientSecret: { env: CORP_SECRET } }
${ROUTES}`);
  return { gateway, provider, site: `https://${authority}` };
}

test('people sign in at a provider, with ten tabs at once, go on while it is away, and sign out', async (t) => {
  const { provider, site } = await open(t);
  const person = await browser.person(t);

  const tabs = await Promise.all(Array.from({ length: 10 }, () => person.newPage()));
  await Promise.all(tabs.map((tab, number) => tab.goto(`${site}/tab/${number}`)));
  await takePicture(tabs[0] ?? (await person.newPage()), 'sign-in with a provider');
  await Promise.all(tabs.map((tab) => tab.getByRole('link', { name: 'Go on with Corp' }).click()));
  // Ten flows are open by now; a person answers the provider in one tab after the other.
  for (const [number, one] of tabs.entries()) await signInAtProvider(one, `${site}/tab/${number}`);
  const [tab] = tabs;
  if (tab === undefined) throw new Error('no tab');
  assert.match((await tab.textContent('body')) ?? '', /"user":\s*"olga"[\s\S]*"ops"/);

  provider.goAway(true);
  await tab.goto(`${site}/still/here`);
  assert.match((await tab.textContent('body')) ?? '', /"user":\s*"olga"/, 'who is signed in goes on');
  provider.goAway(false);

  await tab.goto(`${site}/.sallyport/sign-out`);
  await tab.getByRole('button', { name: 'Sign out' }).click();
  await tab.getByRole('heading', { name: 'You are signed out' }).waitFor();
  await takePicture(tab, 'signed out with a provider');
  await tab.goto(`${site}/again`);
  assert.match(tab.url(), /\/\.sallyport\/sign-in\?/);
});

test('a page of ours says that the provider is away', async (t) => {
  const { site } = await open(t, true);
  const page = await (await browser.person(t)).newPage();
  await page.goto(`${site}/`);
  await page.getByRole('link', { name: 'Go on with Corp' }).click();
  await page.getByText('SP_SIGN_IN_PROVIDER').waitFor();
  assert.ok(page.url().startsWith(site));
  await takePicture(page, 'provider away');
});

/**
 * Names oneself at the provider, unless it knows who it is from another tab, and waits to be back. This provider keeps one sign-in of
 * a browser and ends the others: whose was ended sees our sign-in page and goes on from there.
 */
async function signInAtProvider(tab: Page, wanted: string): Promise<void> {
  const name = tab.getByLabel('Name', { exact: true });
  const again = tab.getByRole('link', { name: 'Go on with Corp' });
  for (let round = 0; round < 3 && tab.url() !== wanted; round++) {
    await Promise.race([name.waitFor(), again.waitFor(), tab.waitForURL(wanted)]).catch(() => {});
    if (await name.isVisible()) {
      await name.fill('olga');
      await tab.getByRole('button', { name: 'Sign in' }).click();
      await tab.waitForURL((url) => url.href === wanted || url.pathname === '/.sallyport/sign-in');
    } else if (await again.isVisible()) await again.click();
  }
  await tab.waitForURL(wanted);
}
