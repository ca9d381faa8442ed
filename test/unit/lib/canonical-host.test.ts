import assert from 'node:assert/strict';
import { test } from 'node:test';
import { canonicalHost, parseAuthority } from '../../../src/lib/canonical-host.ts';

test('a host has one spelling: lower-case, no trailing dot', () => {
  for (const [raw, host] of [
    ['Example.COM', 'example.com'],
    ['example.com.', 'example.com'],
    ['a_b.example', 'a_b.example'],
    ['192.0.2.1', '192.0.2.1'],
    ['[2001:DB8::1]', '[2001:db8::1]'],
    ['xn--bcher-kva.example', 'xn--bcher-kva.example'],
  ] as const) {
    assert.equal(canonicalHost(raw), host);
  }
});

test('what is no host name has none', () => {
  const bad = [
    '',
    '.',
    '..',
    'a..b',
    '.a',
    'a b',
    'a,b',
    'a"b',
    'a@b',
    'a/b',
    'bücher.de',
    'a\0b',
    '-a.b',
    'a-.b',
  ];
  bad.push(
    '[::1',
    '::1',
    '[fe80::1%eth0]',
    '[v1.x]',
    `${'a'.repeat(64)}.b`,
    `${'a.'.repeat(127)}ab`,
    'a'.repeat(10_000),
  );
  for (const raw of bad) assert.equal(canonicalHost(raw), undefined, raw);
});

test('an authority is a host and perhaps a port', () => {
  assert.deepEqual(parseAuthority('Example.com:8443'), { host: 'example.com', port: 8443 });
  assert.deepEqual(parseAuthority('[::1]:443'), { host: '[::1]', port: 443 });
  assert.deepEqual(parseAuthority('a'), { host: 'a', port: undefined });
  for (const raw of [
    '',
    ':80',
    'a:',
    'a:0',
    'a:65536',
    'a:-1',
    'a:8x',
    'a:80:80',
    'u@a',
    'u:p@a:80',
    'a, b',
    'a:80,b',
  ]) {
    assert.equal(parseAuthority(raw), undefined, raw);
  }
});
