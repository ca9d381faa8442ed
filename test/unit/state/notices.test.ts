import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type Notice, Notices } from '../../../src/state/notices.ts';
import { listeningLogger, openCellar, until } from '../../support/cellar.ts';

const ALL: readonly Notice[] = [
  { kind: 'session-ended', id: 'a', user: 'anna' },
  { kind: 'sessions-ended', user: 'anna' },
  { kind: 'account-changed', name: 'anna' },
  { kind: 'account-removed', name: 'anna' },
  { kind: 'token-revoked', jti: 'j', untilSec: 1 },
  { kind: 'subject-revoked', subject: 's', beforeSec: 2 },
  { kind: 'certificate-changed', name: 'site' },
];

test('every kind of notice reaches another process, in order', async (t) => {
  const { notices, another } = openCellar(t);
  const other = await another();
  const heard: Notice[] = [];
  other.notices.on((notice) => heard.push(notice));
  for (const notice of ALL) await notices.publish(notice);
  await until(() => heard.length === ALL.length);
  assert.deepEqual(heard, ALL);
});

test('the process that publishes hears it at once', async (t) => {
  const { notices } = openCellar(t);
  const heard: Notice[] = [];
  const stop = notices.on((notice) => heard.push(notice));
  await notices.publish({ kind: 'account-removed', name: 'anna' });
  assert.equal(heard.length, 1);
  stop();
  await notices.publish({ kind: 'account-removed', name: 'anna' });
  assert.equal(heard.length, 1);
});

test('a kind of a newer version is skipped, garbage means a gap, and both leave the rest alone', async (t) => {
  const cellar = openCellar(t);
  const logger = listeningLogger();
  const notices = new Notices({ store: cellar.store, logger });
  t.after(() => notices.close());
  await notices.start();
  const heard: Notice[] = [];
  let gaps = 0;
  notices.on((notice) => heard.push(notice));
  notices.onGap(() => {
    gaps += 1;
  });
  const { events } = cellar.store;
  await events.append(Buffer.from('{"kind":"sun-rose"}'));
  for (const garbage of ['', '{', '[]', '{"kind":"session-ended"}', '\xff']) {
    await events.append(Buffer.from(garbage, 'latin1'));
  }
  await events.append(Buffer.from(JSON.stringify(ALL[0])));
  await until(() => heard.length === 1);
  assert.equal(gaps, 5);
  assert.equal(logger.lines.filter((line) => line.startsWith('debug')).length, 1);
});

test('a listener that throws does not keep others from hearing', async (t) => {
  const { notices } = openCellar(t);
  let heard = 0;
  notices.on(() => {
    throw new Error('broken listener');
  });
  notices.on(() => {
    heard += 1;
  });
  await notices.publish({ kind: 'account-changed', name: 'anna' });
  assert.equal(heard, 1);
});

test('an unreachable state at the start is no failure: a gap tells when the log is followed', async (t) => {
  const { notices, another, cut } = openCellar(t);
  const other = await another();
  const heard: Notice[] = [];
  let gaps = 0;
  notices.on((notice) => heard.push(notice));
  notices.onGap(() => {
    gaps += 1;
  });
  cut(true);
  await notices.start();
  assert.equal(gaps, 0);
  cut(false);
  await until(() => gaps === 1);
  await other.notices.publish({ kind: 'account-changed', name: 'anna' });
  await until(() => heard.length === 1);
});

test('a notice that could not be appended is an error', async (t) => {
  const { notices, cut } = openCellar(t);
  cut(true);
  await assert.rejects(notices.publish({ kind: 'account-changed', name: 'anna' }), {
    code: 'SP_STATE_UNREACHABLE',
  });
});
