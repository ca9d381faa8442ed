import assert from 'node:assert/strict';
import { test } from 'node:test';
import { base32 } from '../../../src/lib/base32.ts';
import { matchTotp, totpCode, totpUri } from '../../../src/second-factors/totp.ts';

/** RFC 6238 appendix B, the secret of its SHA-1 rows. */
const SECRET = Buffer.from('12345678901234567890');

test('codes are those of RFC 6238 appendix B, cut to six digits', () => {
  const rows: readonly [number, string][] = [
    [59, '287082'],
    [1_111_111_109, '081804'],
    [1_111_111_111, '050471'],
    [1_234_567_890, '005924'],
    [2_000_000_000, '279037'],
    [20_000_000_000, '353130'],
  ];
  for (const [nowSec, code] of rows) assert.equal(totpCode(SECRET, Math.floor(nowSec / 30)), code);
});

test('a code counts in its own step and in the ones beside it, and in no other', () => {
  const code = totpCode(SECRET, 100);
  for (const [step, expected] of [
    [98, undefined],
    [99, 100],
    [100, 100],
    [101, 100],
    [102, undefined],
  ] as const) {
    assert.equal(matchTotp(SECRET, code, step * 30, 0), expected, `at step ${step}`);
  }
});

test('neither a step that was used nor an older one counts again', () => {
  assert.equal(matchTotp(SECRET, totpCode(SECRET, 100), 3000, 101), undefined);
  assert.equal(matchTotp(SECRET, totpCode(SECRET, 99), 3000, 101), undefined);
  assert.equal(matchTotp(SECRET, totpCode(SECRET, 101), 3000, 101), 101);
});

test('only six digits are a code; spaces between them are passed over', () => {
  const code = totpCode(SECRET, 100);
  assert.equal(matchTotp(SECRET, `${code.slice(0, 3)} ${code.slice(3)}`, 3000, 0), 100);
  for (const odd of ['', code.slice(1), `${code}0`, `-${code.slice(1)}`, '１２３４５６', `${code}\n`]) {
    assert.equal(matchTotp(SECRET, odd, 3000, 0), undefined, JSON.stringify(odd));
  }
});

test('base32 is that of RFC 4648 section 10, in lower case without padding', () => {
  const rows = ['', 'my', 'mzxq', 'mzxw6', 'mzxw6yq', 'mzxw6ytb', 'mzxw6ytboi'];
  for (const [length, text] of rows.entries())
    assert.equal(base32(Buffer.from('foobar'.slice(0, length))), text);
});

test('no name can leave its place in the address for authenticator apps', () => {
  const uri = new URL(totpUri(SECRET, 'Sally port', 'a&secret=x/?#b'));
  assert.equal(uri.searchParams.getAll('secret').length, 1);
  assert.equal(uri.searchParams.get('issuer'), 'Sally port');
  assert.equal(uri.hash, '');
  assert.equal(decodeURIComponent(uri.pathname), '/Sally port:a&secret=x/?#b');
});
