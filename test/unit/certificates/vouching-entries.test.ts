import assert from 'node:assert/strict';
import { X509Certificate } from 'node:crypto';
import { test } from 'node:test';
import type { ClientEntry } from '../../../src/certificates/client-entry.ts';
import { vouchingEntries } from '../../../src/certificates/vouching-entries.ts';
import { type Authority, authority, days, ecKey, leaf, NOW } from '../../fixtures/certificates/pki.ts';
import { withoutKeyIds } from '../../support/client-pki.ts';

function entry(name: string, ...authorities: readonly Authority[]): ClientEntry {
  const ca = authorities.map(({ certificate }) => certificate);
  return {
    id: name,
    config: {
      name,
      ca: '',
      crl: undefined,
      hosts: [],
      mode: 'optional',
      identity: 'subject-cn',
      users: undefined,
      groups: [],
    },
    ca,
    crl: [],
    authorities: ca.map((text) => new X509Certificate(text)),
    subjects: [],
    lists: [],
  };
}

const read = (...pem: readonly string[]) => pem.map((text) => new X509Certificate(text));
const a = authority('Root A');
const b = authority('Root B');
const both = [entry('a', a), entry('b', b)];
const leafOf = (parent: Authority): string => leaf(parent, [], { subject: 'leaf' }).certificate;

/** Who vouches for a leaf with what is sent along. */
function vouchers(sent: readonly string[], entries: readonly ClientEntry[] = both, nowMs = NOW): string {
  return vouchingEntries(read(...sent), entries, nowMs).join(' ');
}

test('the entry whose root signed vouches, directly and over an intermediate that was sent', () => {
  const middle = authority('Middle', { parent: a });
  const lower = authority('Lower', { parent: middle });
  assert.equal(vouchers([leafOf(a)]), 'a');
  assert.equal(vouchers([leafOf(b)]), 'b');
  assert.equal(vouchers([leafOf(middle), middle.certificate]), 'a');
  assert.equal(vouchers([leafOf(lower), middle.certificate, lower.certificate]), 'a', 'in any order');
  assert.equal(vouchers([leafOf(lower), lower.certificate]), '', 'with a gap');
  assert.equal(vouchers([leafOf(middle)]), '', 'without it');
  assert.equal(vouchers([]), '');
});

test('an entry that is alone needs no second look', () => {
  assert.equal(vouchers([leafOf(b)], [entry('a', a)]), 'a');
});

test('entries with the same authority all vouch', () => {
  assert.equal(vouchers([leafOf(a)], [entry('x', a), entry('y', b, a), entry('z', b)]), 'x y');
});

test('an entry may hold an intermediate authority, and then vouches for what lies below that one', () => {
  const middle = authority('Middle', { parent: a });
  const entries = [entry('middle', middle), entry('root', a)];
  assert.equal(vouchers([leafOf(middle)], entries), 'middle root');
  assert.equal(vouchers([leafOf(a)], entries), 'root');
});

test('a signature decides, never a name: also where no certificate tells the id of its key', () => {
  const plain = (made: Authority, parent: Authority = made): Authority => ({
    ...made,
    certificate: withoutKeyIds(made.certificate, parent.key),
  });
  const one = plain(authority('Root'));
  const other = plain(authority('Root'));
  const entries = [entry('one', one), entry('other', other)];
  const mine = withoutKeyIds(leafOf(one), one.key);
  assert.equal(new X509Certificate(mine).checkIssued(new X509Certificate(other.certificate)), true);
  assert.equal(vouchers([mine], entries), 'one');
  const middle = plain(authority('Middle', { parent: one }), one);
  const imitation = plain(authority('Middle', { parent: other }), other);
  const below = withoutKeyIds(leafOf(middle), middle.key);
  assert.equal(vouchers([below, imitation.certificate, middle.certificate], entries), 'one');
  assert.equal(vouchers([below, imitation.certificate], entries), '');
});

test('a certificate that was signed by no authority, and one below a leaf, have no voucher', () => {
  const key = ecKey();
  const notAuthority = authority('Leaf', { parent: a, key, ca: false });
  assert.equal(vouchers([leafOf(notAuthority), notAuthority.certificate]), '');
  assert.equal(vouchers([leafOf(authority('Unknown'))]), '');
});

test('authorities count only while their dates hold', () => {
  const late = authority('Late', { parent: a, notAfterMs: NOW - days(1) });
  const early = authority('Early', { parent: a, notBeforeMs: NOW + days(1) });
  for (const middle of [late, early]) assert.equal(vouchers([leafOf(middle), middle.certificate]), '');
  const over = authority('Over', { notAfterMs: NOW - days(1) });
  assert.equal(vouchers([leafOf(over)], [entry('over', over), entry('b', b)]), '');
  assert.equal(vouchers([leafOf(a)], both, NOW + days(400)), '');
});

test('where chains lead to several entries, only those vouch through which all of them go', () => {
  const key = ecKey();
  const ofA = authority('Shared', { parent: a, key });
  const ofB = authority('Shared', { parent: b, key });
  const shown = leafOf(ofA);
  assert.equal(vouchers([shown, ofA.certificate]), 'a');
  assert.equal(vouchers([shown, ofB.certificate]), 'b');
  assert.equal(vouchers([shown, ofA.certificate, ofB.certificate]), '');
  assert.equal(vouchers([shown, ofA.certificate, ofB.certificate], [...both, entry('wide', a, b)]), 'wide');
});

test('an authority keeps its own when another one signed it as well', () => {
  const crossed = authority('Root B', { parent: a, key: b.key });
  assert.equal(vouchers([leafOf(b), crossed.certificate]), 'b');
  const back = authority('Root A', { parent: b, key: a.key });
  assert.equal(vouchers([leafOf(b), crossed.certificate, back.certificate]), 'b', 'in a circle');
});

test('more certificates, or more signatures, than any real chain has are looked at by nobody', () => {
  const many = (count: number) =>
    Array.from({ length: count }, () => authority('Root A', { parent: a }).certificate);
  assert.equal(vouchers([leafOf(a), ...many(17)]), '');
  assert.equal(vouchers([leafOf(a), a.certificate, b.certificate]), 'a');
  const key = ecKey();
  const alike = Array.from({ length: 16 }, (_, i) =>
    authority('Loop', {
      parent: { subject: 'Loop', key, certificate: '' },
      key,
      notAfterMs: NOW + days(1 + i),
    }),
  );
  const [one] = alike;
  assert.ok(one !== undefined);
  assert.equal(vouchers([leafOf(one), ...alike.map(({ certificate }) => certificate)], both), '');
});
