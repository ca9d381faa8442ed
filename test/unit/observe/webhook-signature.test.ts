import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { test } from 'node:test';
import { Secret } from '../../../src/lib/secret.ts';
import { signNotice } from '../../../src/observe/webhook-signature.ts';
import { codeBlocks } from '../../support/markdown.ts';

const PAGE = resolve(import.meta.dirname, '../../../docs/certificates.md');
const SECRET = 'a secret of the test';
const BODY = '{"id":"ä"}';
const NOW_SEC = 1_800_000_000;

test('what the documentation shows takes a fresh signature and nothing that was changed or is sent again later', async () => {
  const shown = codeBlocks(readFileSync(PAGE, 'utf8')).find(({ language }) => language === 'js');
  const { isGenuine } = await import(`data:text/javascript,${encodeURIComponent(shown?.text ?? '')}`);
  const header = signNotice(new Secret(SECRET), BODY, NOW_SEC * 1000 + 999);
  assert.equal(isGenuine(header, Buffer.from(BODY), SECRET, NOW_SEC + 2), true);
  assert.equal(isGenuine(header, `${BODY} `, SECRET, NOW_SEC), false);
  assert.equal(isGenuine(header, BODY, 'another secret', NOW_SEC), false);
  assert.equal(isGenuine(header, BODY, SECRET, NOW_SEC + 301), false);
  assert.equal(isGenuine(header.replace('t=18', 't=19'), BODY, SECRET, NOW_SEC + 100_000_000), false);
  for (const broken of [undefined, '', 't=1', header.slice(0, -1), `${header}0`]) {
    assert.equal(isGenuine(broken, BODY, SECRET, NOW_SEC), false);
  }
});
