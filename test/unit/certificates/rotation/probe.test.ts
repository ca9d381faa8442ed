import assert from 'node:assert/strict';
import { test } from 'node:test';
import { checkPair } from '../../../../src/certificates/certificate.ts';
import { readPair } from '../../../../src/certificates/reading.ts';
import { probe } from '../../../../src/certificates/rotation/probe.ts';
import { Shelf } from '../../../../src/certificates/shelf.ts';
import { authority, leaf, NOW } from '../../../fixtures/certificates/pki.ts';

const root = authority('Root');

function read(names: readonly string[]) {
  const { certificate, keyPem } = leaf(root, names);
  const { pair } = checkPair(readPair({ certificate, key: keyPem }), { hosts: [], now: NOW });
  assert.ok(pair !== undefined);
  return pair;
}

function found(pair: ReturnType<typeof read>) {
  return new Shelf(10).preview({ name: 'site', preset: 'intermediate', pair, source: 'uploaded' });
}

test('a pair is confirmed only by a handshake that showed it, also one for addresses alone', async () => {
  for (const names of [['www.example.com', '*.example.com'], ['192.0.2.1']]) {
    const pair = read(names);
    assert.equal(await probe(pair, 'intermediate', found(pair)), pair.fingerprint256);
    await assert.rejects(probe(pair, 'intermediate', found(read(names))), /it showed/);
  }
});
