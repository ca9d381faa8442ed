import assert from 'node:assert/strict';
import { test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { Deadline } from '../../../../src/certificates/acme/deadline.ts';
import { eventually } from '../../../support/eventually.ts';

test('the time runs out with its reason, and stands still for what does not count', async () => {
  const reason = new Error('too long');
  const deadline = new Deadline(100, reason);
  assert.equal(await deadline.without(() => sleep(300, 'done')), 'done');
  assert.equal(deadline.signal.aborted, false);
  await eventually('it is over', () => deadline.signal.aborted);
  assert.equal(deadline.signal.reason, reason);
  await deadline.without(() => sleep(1));
});

test('a time that was ended does not run out', async () => {
  const deadline = new Deadline(10, new Error('too long'));
  deadline.end();
  await sleep(50);
  assert.equal(deadline.signal.aborted, false);
});
