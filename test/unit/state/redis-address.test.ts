import assert from 'node:assert/strict';
import { it } from 'node:test';
import { parseRedisUrl } from '../../../src/state/redis-address.ts';
import { code } from '../../contract/rule-words.ts';

it('one Redis: host, port, database, user and percent-encoded password', () => {
  const address = parseRedisUrl('redis://us%40er:p%2Fa%3Ass@db.example.com:7000/3');
  assert.deepEqual(
    [address.kind, address.hosts, address.user, address.password, address.db],
    ['single', [{ host: 'db.example.com', port: 7000 }], 'us@er', 'p/a:ss', 3],
  );
  assert.deepEqual([address.tls, address.prefix], [undefined, 'sallyport']);
});

it('a password without a user, the standard port, an IPv6 address', () => {
  const address = parseRedisUrl('redis://:secret@[::1]');
  assert.deepEqual(
    [address.user, address.password, address.hosts],
    [undefined, 'secret', [{ host: '::1', port: 6379 }]],
  );
});

it('rediss and tls=true mean TLS', () => {
  assert.deepEqual(parseRedisUrl('rediss://h').tls, {});
  assert.deepEqual(parseRedisUrl('redis+cluster://h1,h2?tls=true').tls, {});
});

it('Sentinels: several hosts, the name of the master, a database', () => {
  const address = parseRedisUrl('redis+sentinel://u:p@h1:1111,h2/house/2?sentinelPassword=s%20s');
  assert.deepEqual(
    [address.kind, address.hosts, address.masterName, address.db, address.sentinelPassword],
    [
      'sentinel',
      [
        { host: 'h1', port: 1111 },
        { host: 'h2', port: 26379 },
      ],
      'house',
      2,
      's s',
    ],
  );
});

it('a Cluster: several hosts, and a prefix of one’s own', () => {
  const address = parseRedisUrl('redis+cluster://h1,h2:7001?prefix=edge-1');
  assert.deepEqual(
    [address.kind, address.hosts, address.prefix],
    [
      'cluster',
      [
        { host: 'h1', port: 6379 },
        { host: 'h2', port: 7001 },
      ],
      'edge-1',
    ],
  );
});

it('what cannot be read is refused, and the error does not show the URL', () => {
  const urls = [
    'redis://',
    'redis://u:canary@h/x',
    'redis://canary@h',
    'redis://u:can/ary@h',
    'redis://u:%canary@h',
    'redis://u:canary@h:0',
    'redis://u:canary@h:99999',
    'redis://u:canary@h1,h2',
    'redis://u:canary@h/1/2',
    'redis://u:canary@h?canary=1',
    'redis://u:canary@h?ca=/canary',
    'rediss://u:canary@h?ca=/no/such/canary',
    'redis+sentinel://u:canary@h1,h2',
    'redis+cluster://u:canary@h1/1',
    'redis+cluster://u:canary@h1,,h2',
    'redis://u:canary@h?prefix={canary}',
    'redis://u:canary@h?tls=canary',
  ];
  for (const url of urls) {
    assert.throws(
      () => parseRedisUrl(url),
      (thrown) => code('SP_CONFIG_INVALID')(thrown) && !String(thrown).includes('canary'),
      url,
    );
  }
});
