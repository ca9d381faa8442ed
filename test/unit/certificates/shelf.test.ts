import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { CertificatePair } from '../../../src/certificates/certificate.ts';
import { Shelf } from '../../../src/certificates/shelf.ts';
import { Secret } from '../../../src/lib/secret.ts';

function pair(id: string, names: readonly string[]): CertificatePair {
  const times = { notBeforeMs: 0, notAfterMs: 1, fingerprint256: id };
  return {
    id,
    names,
    ...times,
    keyType: 'ecdsa',
    keyLabel: 'ECDSA P-256',
    certificate: '',
    key: new Secret(''),
  };
}

function filled(count: number): Shelf {
  const shelf = new Shelf(10);
  for (let index = 0; index < count; index++) {
    const names = [`h${index}.example.com`, `*.h${index}.example.com`];
    shelf.put({ name: `c${index}`, pair: pair(`p${index}`, names), source: 'files', preset: 'intermediate' });
  }
  return shelf;
}

/** Nanoseconds of a look-up: the median of many rounds, each over names spread over the whole shelf. */
function medianNs(shelf: Shelf, count: number): number {
  const names = Array.from({ length: 200 }, (_, index) => `a.h${(index * 7919) % count}.example.com`);
  const rounds = Array.from({ length: 101 }, () => {
    const start = process.hrtime.bigint();
    for (const name of names) assert.ok(shelf.find(name) !== undefined);
    return Number(process.hrtime.bigint() - start) / names.length;
  });
  return rounds.sort((a, b) => a - b)[50] ?? 0;
}

test('finding among 10,000 certificates costs what it costs among 100', () => {
  const [small, large] = [filled(100), filled(10_000)];
  medianNs(small, 100);
  medianNs(large, 10_000);
  const ratio = medianNs(large, 10_000) / medianNs(small, 100);
  // Caches of the processor account for some; a linear scan would be 100.
  assert.ok(ratio < 5, `ratio ${ratio}`);
  assert.equal(large.find('nothing.example.com'), undefined);
  assert.equal(large.contexts, 0);
});

test('a swap changes only the names of its certificate, and names that are no longer covered go', () => {
  const shelf = filled(3);
  const before = shelf.find('h2.example.com');
  shelf.put({
    name: 'c1',
    pair: pair('new', ['h1.example.com', 'extra.example.com']),
    source: 'uploaded',
    preset: 'intermediate',
  });
  assert.equal(shelf.find('h2.example.com'), before);
  assert.ok(shelf.find('extra.example.com') !== undefined);
  assert.equal(shelf.find('a.h1.example.com'), undefined);
  shelf.remove('c1');
  assert.equal(shelf.find('h1.example.com'), undefined);
  assert.equal(shelf.all().length, 2);
});
