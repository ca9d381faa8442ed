import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import { canonicalName } from '../../../src/accounts/account-name.ts';
import type { RefusedCertificate } from '../../../src/exchange.ts';
import { makeSecurityLog } from '../../../src/observe/security-log.ts';
import { finishedExchange } from './finished-exchange.ts';

function written(
  failed: Parameters<ReturnType<typeof makeSecurityLog>['signIn']>[1],
  change?: Parameters<typeof finishedExchange>[0],
): string {
  const lines: string[] = [];
  const log = makeSecurityLog({
    destination: { write: (text) => lines.push(text) },
    clock: () => Date.UTC(2026, 10, 23, 4, 5, 6, 7),
    canonicalName,
  });
  log.signIn(finishedExchange(change).arrived, failed);
  assert.equal(lines.length, 1);
  return lines[0] ?? '';
}

test('a failed sign-in is one line whose fields keep their names and their order', () => {
  const line = written({ outcome: 'failed', method: 'basic', user: ' Alice ', reason: 'password-wrong' });
  assert.equal(
    line,
    '{"time":"2026-11-23T04:05:06.007Z","log":"security","event":"sign-in-failed","address":"192.0.2.7",' +
      '"user":"alice","method":"basic","reason":"password-wrong","host":"api.test","id":"r1"}\n',
  );
});

test('a sign-in that was turned away unseen is another event, and a name that is none is left out', () => {
  const line = written({ outcome: 'throttled', method: 'token', user: 'no:name', reason: 'throttled' });
  assert.equal(
    line,
    '{"time":"2026-11-23T04:05:06.007Z","log":"security","event":"sign-in-throttled","address":"192.0.2.7",' +
      '"method":"token","reason":"throttled","host":"api.test","id":"r1"}\n',
  );
});

test('no name can forge a line, a field or an address', () => {
  const user = '","address"=198.51.100.1"}';
  const line = written({ outcome: 'failed', method: 'password', user, reason: 'password-wrong' });
  assert.equal(line.indexOf('\n'), line.length - 1);
  const fields = JSON.parse(line);
  assert.equal(fields.address, '192.0.2.7');
  assert.equal(fields.user, user);
  assert.ok(line.indexOf('"address":"192.0.2.7"') < line.indexOf('198.51.100.1'));
  const torn = written({ outcome: 'failed', method: 'password', user: 'a\nb', reason: 'password-wrong' });
  assert.equal(JSON.parse(torn).user, undefined, 'what holds a line feed is no name');
});

const REFUSED: RefusedCertificate = {
  address: '192.0.2.7',
  required: true,
  entries: ['devices', 'staff'],
  reason: 'revoked',
  host: 'api.test',
  fingerprint: 'ab'.repeat(32),
};

function openLog(t: TestContext) {
  t.mock.timers.enable({ apis: ['setTimeout'] });
  const lines: string[] = [];
  const log = makeSecurityLog({
    destination: { write: (text) => lines.push(text) },
    clock: () => Date.UTC(2026, 10, 23, 4, 5, 6, 7),
    canonicalName,
  });
  return { log, lines };
}

test('a refused client certificate is one line whose fields keep their names and their order', (t) => {
  const { log, lines } = openLog(t);
  log.certificate(REFUSED);
  log.certificate({
    ...REFUSED,
    required: false,
    reason: 'malformed',
    host: undefined,
    fingerprint: undefined,
  });
  const start = '{"time":"2026-11-23T04:05:06.007Z","log":"security","event":"client-certificate-refused",';
  assert.deepEqual(lines, [
    `${start}"address":"192.0.2.7","mode":"require","entries":["devices","staff"],"reason":"revoked",` +
      `"host":"api.test","fingerprint":"${'ab'.repeat(32)}"}\n`,
    `${start}"address":"192.0.2.7","mode":"optional","entries":["devices","staff"],"reason":"malformed"}\n`,
  ]);
});

test('a flood of refused client certificates is ten lines and a count, and hides no other reason', (t) => {
  const { log, lines } = openLog(t);
  for (let n = 0; n < 1000; n++) log.certificate(REFUSED);
  log.certificate({ ...REFUSED, reason: 'crl-expired' });
  assert.equal(lines.length, 11);
  t.mock.timers.tick(10_000);
  assert.equal(
    lines[11],
    '{"time":"2026-11-23T04:05:06.007Z","log":"security","event":"client-certificates-left-out",' +
      '"entries":["devices","staff"],"reason":"revoked","count":990}\n',
  );
  assert.equal(lines.length, 12);
});
