import assert from 'node:assert/strict';
import { test } from 'node:test';
import { compileIpRanges, parseIpRange, unmappedAddress } from '../../../src/lib/ip-range.ts';

test('a range is CIDR notation or one address', () => {
  assert.deepEqual(parseIpRange('10.0.0.0/8'), { family: 'ipv4', address: '10.0.0.0', prefix: 8 });
  assert.deepEqual(parseIpRange('10.1.2.3'), { family: 'ipv4', address: '10.1.2.3', prefix: 32 });
  assert.deepEqual(parseIpRange('0.0.0.0/0'), { family: 'ipv4', address: '0.0.0.0', prefix: 0 });
  assert.deepEqual(parseIpRange('fd00::/8'), { family: 'ipv6', address: 'fd00::', prefix: 8 });
  assert.deepEqual(parseIpRange('::1'), { family: 'ipv6', address: '::1', prefix: 128 });
  assert.deepEqual(parseIpRange('64:ff9b::192.0.2.0/120'), {
    family: 'ipv6',
    address: '64:ff9b::192.0.2.0',
    prefix: 120,
  });
});

test('what two programs could read differently is refused', () => {
  const cases: [string, string][] = [
    ['10.0.0.1/8', 'host-bits'],
    ['fd00::1/64', 'host-bits'],
    ['::ffff:10.0.0.0/8', 'host-bits'],
    ['::ffff:10.0.0.0/104', 'mapped-ipv4'],
    ['::ffff:a00:0/104', 'mapped-ipv4'],
    ['::ffff:0:0/96', 'mapped-ipv4'],
    ['::ffff:10.0.0.1', 'mapped-ipv4'],
    ['10.0.0.0/33', 'bad-prefix'],
    ['10.0.0.0/08', 'bad-prefix'],
    ['10.0.0.0/', 'bad-prefix'],
    ['10.0.0.0/255.0.0.0', 'bad-prefix'],
    ['::/129', 'bad-prefix'],
    ['10.0.0.0/8/8', 'not-an-address'],
    ['010.0.0.0/8', 'not-an-address'],
    ['10.0.0/8', 'not-an-address'],
    ['10', 'not-an-address'],
    ['0x0a000000/8', 'not-an-address'],
    ['fe80::1%eth0', 'not-an-address'],
    ['example.com', 'not-an-address'],
    ['', 'not-an-address'],
  ];
  for (const [text, fault] of cases) assert.deepEqual(parseIpRange(text), { fault }, text);
});

test('membership answers for both families and for mapped addresses', () => {
  const inside = compileIpRanges(['10.0.0.0/8', '192.0.2.7', 'fd00::/8', '::1']);
  for (const address of ['10.255.1.2', '192.0.2.7', '::ffff:10.1.2.3', '::ffff:a01:203', 'fd12::9', '::1']) {
    assert.equal(inside(address), true, address);
  }
  for (const address of ['11.0.0.1', '192.0.2.8', '::ffff:11.0.0.1', 'fe80::1', '::2', '', 'example.com']) {
    assert.equal(inside(address), false, address);
  }
});

test('every address of one family does not mean the other', () => {
  assert.equal(compileIpRanges(['0.0.0.0/0'])('::1'), false);
  assert.equal(compileIpRanges(['::/0'])('10.0.0.1'), false);
  assert.equal(compileIpRanges(['::/0'])('::ffff:10.0.0.1'), false);
  assert.equal(compileIpRanges([])('10.0.0.1'), false);
});

test('a mapped address is written as IPv4', () => {
  assert.equal(unmappedAddress('::ffff:10.1.2.3'), '10.1.2.3');
  assert.equal(unmappedAddress('::FFFF:a01:203'), '10.1.2.3');
  assert.equal(unmappedAddress('0:0:0:0:0:ffff:0a01:0203'), '10.1.2.3');
  assert.equal(unmappedAddress('::10.1.2.3'), '::10.1.2.3');
  assert.equal(unmappedAddress('10.1.2.3'), '10.1.2.3');
  assert.equal(unmappedAddress('fe80::1%eth0'), 'fe80::1%eth0');
});

test('a list that was not checked is refused', () => {
  assert.throws(() => compileIpRanges(['10.0.0.1/8']), RangeError);
});
