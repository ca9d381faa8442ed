import assert from 'node:assert/strict';
import { test } from 'node:test';
import { returnTarget } from '../../src/sign-in/return-target.ts';

const HERE = 'https://app.example.com';
const EVIL = 'evil.example';

/** Ways to write the start of a URL that some parser takes for another host, or for a script. */
const STARTS = [
  '//',
  '///',
  '////',
  '/\\',
  '\\\\',
  '\\/',
  '/\t/',
  '/\n/',
  '/\r/',
  '\t//',
  '\n//',
  ' //',
  '/ /',
  '/%09/',
  '/%0a/',
  '/%0d/',
  '/%5c',
  '/%5C',
  '/%2f',
  '/%2F',
  '/%2f%2f',
  '/.//',
  '/..//',
  '/./\\',
  '/;/',
  '/..;/',
  '/%00/',
  '/\u0000/',
  '/\u2028/',
  '/\uff0f',
  '/\u3000/',
  'https://',
  'http://',
  'HTTPS://',
  'https:',
  'https:/',
  'https:\\\\',
  'https:///',
  'javascript:',
  'JaVaScRiPt:',
  'java\tscript:',
  'data:text/html,',
  'vbscript:',
  'blob:',
  'file://',
  'ftp://',
  'ws://',
  '@',
  'x@',
  '//x@',
  '//x:y@',
  '/%252f',
  '/%255c',
  '?//',
  '#//',
  '',
  '.',
  '..',
  '/../',
  '/%2e%2e/',
  '/.',
  '//\\',
  '/\\/',
  '/\\\\',
  '\u00a0//',
  '\ufeff//',
  '/\u00ad/',
];
/** What stands behind it. */
const ENDS = [EVIL, `${EVIL}/`, `${EVIL}:443/x`, `app.example.com.${EVIL}`, `app.example.com@${EVIL}/`];
const PAYLOADS = STARTS.flatMap((start) => ENDS.map((end) => start + end));

test(`none of ${PAYLOADS.length} payloads leads to another host`, () => {
  assert.ok(PAYLOADS.length >= 200);
  for (const payload of PAYLOADS) {
    const target = returnTarget(payload);
    if (target === undefined) continue;
    const url = new URL(target, `${HERE}/.sallyport/sign-in`);
    assert.equal(url.origin, HERE, payload);
    assert.equal(url.pathname + url.search, target, payload);
    assert.match(target, /^\/(?![/\\])[\x21-\x7e]*$/, payload);
  }
});

test('nothing but a path that begins with one slash is a target', () => {
  for (const payload of PAYLOADS) {
    if (!/^\/[A-Za-z0-9]/.test(payload) && returnTarget(payload) !== undefined) {
      assert.match(payload, /^\/\.[a-z]/, payload);
    }
  }
});

test('of the gateway’s own pages only those that change nothing are targets', () => {
  assert.equal(returnTarget('/.sallyport/account'), '/.sallyport/account');
  assert.equal(returnTarget('/.sallyport/resume?form=x'), '/.sallyport/resume?form=x');
  for (const page of [
    '',
    '/',
    '/sign-in',
    '/sign-out',
    '/landed',
    '/callback/corp',
    '/provider/corp',
    '/account/keys/new',
  ]) {
    assert.equal(returnTarget(`/.sallyport${page}`), undefined, page);
  }
});

test('ordinary places are targets, in the spelling they came in', () => {
  for (const place of [
    '/',
    '/a/b',
    '/a/?x=1&y=%20',
    '/d/abc?from=now-6h&to=now&var=a%2Fb',
    '/caf%C3%A9',
    '/a?next=//evil.example',
  ]) {
    assert.equal(returnTarget(place), place);
  }
});
