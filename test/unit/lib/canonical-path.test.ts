import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { canonicalPath, type PathFault } from '../../../src/lib/canonical-path.ts';

const KEPT: readonly (readonly [string, string])[] = [
  ['/', '/'],
  ['/a', '/a'],
  ['/a/', '/a/'],
  ['/a.b/..c/c../...', '/a.b/..c/c../...'],
  ['/a+b', '/a+b'],
  ['/a%2Bb', '/a%2Bb'],
  ['/a%2bb', '/a%2Bb'],
  ['/%61%7E%2d', '/a~-'],
  ['/%20', '/%20'],
  ['/%c3%a4', '/%C3%A4'],
  ['/a|b^c`{d}', '/a%7Cb%5Ec%60%7Bd%7D'],
  ['/"<>', '/%22%3C%3E'],
  ['/%25', '/%25'],
  ['/100%25', '/100%25'],
  ["/@:$&=,!()*'", "/@:$&=,!()*'"],
  ['/%40%3A', '/@:'],
];

const REFUSED: readonly (readonly [string, PathFault])[] = [
  ['', 'not-origin-form'],
  ['*', 'not-origin-form'],
  ['http://a/b', 'not-origin-form'],
  ['/a b', 'forbidden-character'],
  ['/a\tb', 'forbidden-character'],
  ['/ä', 'forbidden-character'],
  ['/a#b', 'forbidden-character'],
  ['/a?b', 'forbidden-character'],
  ['/a\\b', 'forbidden-character'],
  ['/%00', 'forbidden-character'],
  ['/%0d%0a', 'forbidden-character'],
  ['/%7f', 'forbidden-character'],
  ['/%', 'bad-percent-encoding'],
  ['/%4', 'bad-percent-encoding'],
  ['/%zz', 'bad-percent-encoding'],
  ['/a%2fb', 'encoded-separator'],
  ['/a%5Cb', 'encoded-separator'],
  ['/%252e', 'double-encoding'],
  ['/.', 'dot-segment'],
  ['/..', 'dot-segment'],
  ['/a/../b', 'dot-segment'],
  ['/a/%2e%2E/b', 'dot-segment'],
  ['/a/.%2e', 'dot-segment'],
  ['//', 'empty-segment'],
  ['//a', 'empty-segment'],
  ['/a//b', 'empty-segment'],
  ['/a;x=y', 'path-parameter'],
  ['/a%3bx', 'path-parameter'],
  ['/%ff', 'not-utf8'],
  ['/%c0%af', 'not-utf8'],
];

test('a path has one spelling', () => {
  for (const [raw, path] of KEPT) assert.deepEqual(canonicalPath(raw), { path }, raw);
});

test('a path that two programs could read differently has none', () => {
  for (const [raw, fault] of REFUSED) assert.deepEqual(canonicalPath(raw), { fault }, raw);
});

const anyPath = fc
  .array(fc.constantFrom('/', 'a', '.', '%', '2', 'e', 'f', '5', 'c', ';', '+', '%2e', '%41', '\\', '|'), {
    maxLength: 12,
  })
  .map((parts) => `/${parts.join('')}`);

test('the one spelling is its own spelling, and a URL parser leaves it alone', () => {
  fc.assert(
    fc.property(anyPath, (raw) => {
      const result = canonicalPath(raw);
      if ('fault' in result) return;
      assert.deepEqual(canonicalPath(result.path), result);
      assert.equal(new URL(`http://x${result.path}`).pathname, result.path);
      assert.ok(!/\/\.{0,2}\//.test(result.path));
    }),
    { numRuns: 2_000 },
  );
});

test('what is said by a path does not change: both spellings decode to the same text', () => {
  fc.assert(
    fc.property(anyPath, (raw) => {
      const result = canonicalPath(raw);
      if ('path' in result) assert.equal(decodeURIComponent(result.path), decodeURIComponent(raw));
    }),
    { numRuns: 2_000 },
  );
});
