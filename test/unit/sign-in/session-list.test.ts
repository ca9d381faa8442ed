import assert from 'node:assert/strict';
import { test } from 'node:test';
import { sessionList } from '../../../src/sign-in/session-list.ts';

test('the button that ends a session says in words which one', () => {
  const seen = { groups: [], email: undefined, lastSeenSec: 1000, createdAtSec: 400, expiresAtSec: 9000 };
  const session = { ...seen, id: 'a', user: 'alice', address: '192.0.2.1', device: undefined };
  const { text } = sessionList([session], { token: 't', present: undefined, nowSec: 1600 });
  const [, label, content] = /<button[^>]* aria-label="([^"]*)">([^<]*)</.exec(text) ?? [];
  assert.equal(label, 'End the session of Unknown device, last seen 10 minutes ago');
  assert.equal(content, 'End');
});
