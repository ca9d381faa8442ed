import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { canonicalName } from '../../../src/accounts/account-name.ts';

test('every spelling of a name gives one name', () => {
  for (const raw of ['anna', 'Anna', ' ANNA ', 'ａｎｎａ', '\u00a0anna'])
    assert.equal(canonicalName(raw), 'anna', raw);
  assert.equal(canonicalName('JOSE\u0301'), canonicalName('jos\u00e9'));
  assert.equal(canonicalName('\u212Aim'), 'kim');
  assert.equal(canonicalName('anna smith'), 'anna smith');
});

test('what is empty, too long, hidden or would split a credential is no name', () => {
  const hidden = [
    '\0',
    '\t',
    '\n',
    '\x7f',
    '\u200b',
    '\u200d',
    '\u202e',
    '\u2066',
    '\ufeff',
    '\u00ad',
    '\u3164',
  ];
  for (const mark of [...hidden, ':', '\uff1a', '\ufe0f', '\ud800', '\u2028', '\ue000']) {
    for (const raw of [`an${mark}na`, `${mark}anna`, `anna${mark}`]) {
      assert.equal(canonicalName(raw), undefined, JSON.stringify(raw));
    }
  }
  for (const raw of ['', ' ', '.', '..', 'a'.repeat(129), 'ﷺ'.repeat(100), 'a'.repeat(1e6)]) {
    assert.equal(canonicalName(raw), undefined);
  }
  assert.equal(canonicalName('a'.repeat(128)), 'a'.repeat(128));
});

test('a canonical name is its own canonical name', () => {
  const property = fc.property(fc.string({ unit: 'binary', maxLength: 20 }), (raw) => {
    const name = canonicalName(raw);
    return name === undefined || canonicalName(name) === name;
  });
  fc.assert(property, { numRuns: 5_000 });
});
