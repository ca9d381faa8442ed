import assert from 'node:assert/strict';
import { test } from 'node:test';
import { RevocationList } from '../../../src/sessions/revocation-list.ts';

test('the list holds what is in force, however many were ever added', () => {
  const list = new RevocationList();
  for (let nowMs = 0; nowMs < 100_000; nowMs += 1) {
    list.addToken(`j${nowMs}`, nowMs + 500, nowMs);
    list.addSubject(`s${nowMs}`, 1, nowMs + 500, nowMs);
  }
  assert.ok(list.size <= 2_100, String(list.size));
  assert.equal(list.isRevoked({ jti: 'j99999', subject: undefined, issuedAtSec: 0 }, 100_000), true);
});
