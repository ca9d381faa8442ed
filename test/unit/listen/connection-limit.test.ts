import assert from 'node:assert/strict';
import { Socket } from 'node:net';
import { test } from 'node:test';
import { connectionLimit } from '../../../src/listen/connection-limit.ts';

function from(address: string): Socket {
  return Object.defineProperty(new Socket(), 'remoteAddress', { value: address });
}

test('connections are counted per IPv4 address and per /64 of IPv6', () => {
  const admits = connectionLimit(2);
  const first = from('2001:db8::1');
  assert.deepEqual([first, from('2001:db8::2'), from('2001:db8::3'), from('2001:db8:0:1::1')].map(admits), [
    true,
    true,
    false,
    true,
  ]);
  assert.deepEqual(['192.0.2.1', '::ffff:192.0.2.1', '192.0.2.1', '192.0.2.2'].map(from).map(admits), [
    true,
    true,
    false,
    true,
  ]);
  first.emit('close');
  assert.equal(admits(from('2001:db8::4')), true);
});
