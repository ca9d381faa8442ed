import assert from 'node:assert/strict';
import { test } from 'node:test';
import { compileIpRanges } from '../../../src/lib/ip-range.ts';
import { clientAddress } from '../../../src/listen/client-address.ts';

const trusted = compileIpRanges(['10.0.0.0/8', '2001:db8::/32']);
const via = (list: string, peer = '10.0.0.1'): string =>
  clientAddress(peer, ['x-forwarded-for', list], trusted);

test('nobody is believed but a trusted proxy', () => {
  assert.equal(via('198.51.100.7', '192.0.2.1'), '192.0.2.1');
  assert.equal(clientAddress('192.0.2.1', ['forwarded', 'for=10.0.0.9'], trusted), '192.0.2.1');
});

test('the list is read from the right, up to the first address that is no trusted proxy', () => {
  assert.equal(via('198.51.100.7'), '198.51.100.7');
  assert.equal(via('6.6.6.6, 198.51.100.7'), '198.51.100.7');
  assert.equal(via('6.6.6.6, 198.51.100.7, 10.0.0.2'), '198.51.100.7');
  assert.equal(via('10.0.0.3, 10.0.0.2'), '10.0.0.3');
  assert.equal(
    clientAddress('10.0.0.1', ['x-forwarded-for', '6.6.6.6', 'x-forwarded-for', '198.51.100.7'], trusted),
    '198.51.100.7',
  );
});

test('an element that is no address ends the walk at the proxy that passed it on', () => {
  assert.equal(via('198.51.100.7, unknown'), '10.0.0.1');
  assert.equal(via('198.51.100.7, unknown, 10.0.0.2'), '10.0.0.2');
  assert.equal(via(''), '10.0.0.1');
  assert.equal(via('198.51.100.7, '), '10.0.0.1');
});

test('ports, brackets and IPv4 in IPv6 clothes are read as the address they hold', () => {
  assert.equal(via('198.51.100.7:4711'), '198.51.100.7');
  assert.equal(via('[2001:4860::1]:443'), '2001:4860::1');
  assert.equal(via('6.6.6.6, ::ffff:10.0.0.2'), '6.6.6.6');
});

test('Forwarded tells what X-Forwarded-For tells', () => {
  const forwarded = ['forwarded', 'for="[2001:4860::2]:99";proto=https, For=10.0.0.2'];
  assert.equal(clientAddress('10.0.0.1', forwarded, trusted), '2001:4860::2');
  const both = [...forwarded, 'x-forwarded-for', '6.6.6.6, 2001:4860::2, 10.0.0.2'];
  assert.equal(clientAddress('10.0.0.1', both, trusted), '2001:4860::2');
  assert.equal(clientAddress('10.0.0.1', ['forwarded', 'for=_hidden'], trusted), '10.0.0.1');
});

test('two fields that name different clients are refused: a proxy writes one of them and passes the other on', () => {
  const written = ['x-forwarded-for', '198.51.100.7'];
  for (const forged of [
    'for=10.0.0.9',
    'for=203.0.113.5',
    'for=unknown',
    'for=198.51.100.7, for=unknown',
    '',
  ]) {
    assert.throws(
      () => clientAddress('10.0.0.1', [...written, 'forwarded', forged], trusted),
      { code: 'SP_LISTEN_BAD_REQUEST', reason: 'client-address-differs' },
      forged,
    );
  }
  assert.equal(clientAddress('192.0.2.1', [...written, 'forwarded', 'for=10.0.0.9'], trusted), '192.0.2.1');
});
