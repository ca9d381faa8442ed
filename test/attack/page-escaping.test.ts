import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { html } from '../../src/sign-in/html.ts';
import { BrowserJar, fieldOf } from '../support/browser-jar.ts';
import { startTestGateway, type TestGateway } from '../support/gateway.ts';

const HOSTILE = `"'\`><script>alert(1)</script><img src=x onerror=alert(1)>&amp;`;
let house: TestGateway;

before(async () => {
  house = await startTestGateway({
    yaml: 'authenticate: { session: {} }\nroutes: [{ host: localhost, upstream: "internal:whoami", allow: authenticated }]\n',
  });
});

after(() => house.close());

test('what stands in a template is text, in elements and in attributes', () => {
  const { text } = html`<p title="${HOSTILE}">${HOSTILE}</p>`;
  assert.doesNotMatch(text, /<script|<img/);
  assert.equal(text.split('"').length, 3);
});

test('no field of a form comes back as markup', async () => {
  const jar = new BrowserJar(house);
  const token = fieldOf((await jar.open('/.sallyport/sign-in')).text, 'token');
  const query = `return=${encodeURIComponent(`/x?${HOSTILE}`)}&done=${encodeURIComponent(HOSTILE)}`;
  const shown = await jar.open(`/.sallyport/sign-in?${query}`);
  const failed = await jar.post('/.sallyport/sign-in', {
    user: HOSTILE,
    password: 'x',
    return: HOSTILE,
    token,
  });
  assert.equal(failed.status, 401);
  for (const { text } of [shown, failed])
    assert.doesNotMatch(text, /<script>|<img src=x|alert\(1\)<\/script/);
});

test('every page forbids what is inline, from elsewhere, or around it', async () => {
  const jar = new BrowserJar(house);
  for (const path of ['/.sallyport/sign-in', '/.sallyport/sign-out', '/.sallyport/landed']) {
    const { headers, text } = await jar.open(path);
    const policy = String(headers['content-security-policy']);
    assert.match(policy, /default-src 'none'/);
    assert.match(policy, /frame-ancestors 'none'/);
    assert.doesNotMatch(policy, /unsafe|\*|https:|data:/);
    assert.equal(headers['x-content-type-options'], 'nosniff');
    assert.equal(headers['cache-control'], 'no-store');
    assert.doesNotMatch(text, /<style|<script>|\son[a-z]+=|\sstyle=|javascript:/i);
  }
});
