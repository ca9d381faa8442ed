import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  addressBytes,
  addressText,
  canonicalName,
  covers,
  wildcardOf,
} from '../../../src/certificates/host-name.ts';

test('names are compared lower-case, without trailing dot, addresses in one spelling', () => {
  assert.equal(canonicalName('WWW.Example.COM.'), 'www.example.com');
  assert.equal(canonicalName('*.Example.com'), '*.example.com');
  assert.equal(canonicalName('[2001:DB8:0:0::1]'), '2001:db8::1');
  assert.equal(canonicalName('192.0.2.1'), '192.0.2.1');
});

test('what can be no host has no canonical name', () => {
  for (const bad of [
    '',
    '.',
    '..',
    'a..b',
    '.example.com',
    'a b',
    'a\0b',
    '*',
    '*.',
    '*.*.com',
    'a.*.com',
    'x*.com',
    '\u212a.com',
    'ä.de',
    `${'a'.repeat(64)}.com`,
    'a.'.repeat(200),
  ]) {
    assert.equal(canonicalName(bad), undefined, JSON.stringify(bad));
  }
});

test('a wildcard covers exactly one label and never the parent', () => {
  const names = ['*.example.com', 'example.org', '192.0.2.1'];
  assert.ok(covers(names, 'a.example.com'));
  assert.ok(covers(names, '*.example.com'));
  assert.ok(covers(names, 'example.org'));
  assert.ok(covers(names, '192.0.2.1'));
  assert.ok(!covers(names, 'example.com'));
  assert.ok(!covers(names, 'a.b.example.com'));
  assert.ok(!covers(names, 'a.example.org'));
  assert.ok(!covers(['*.0.2.1'], '192.0.2.1'));
  assert.equal(wildcardOf('localhost'), undefined);
});

test('addresses survive the way into bytes and back', () => {
  for (const address of [
    '192.0.2.1',
    '::',
    '::1',
    '2001:db8::1',
    '2001:db8:1:2:3:4:5:6',
    'fe80::',
    '64:ff9b::c000:201',
  ]) {
    assert.equal(addressText(addressBytes(address)), address);
  }
  assert.equal(addressBytes('::ffff:192.0.2.1').toString('hex'), '00000000000000000000ffffc0000201');
  assert.throws(() => addressBytes('example.com'));
  assert.equal(addressText(Buffer.alloc(5)), undefined);
});
