import assert from 'node:assert/strict';
import { createHmac } from 'node:crypto';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import type { WebhookConfig } from '../../../src/config/config.ts';
import { Secret } from '../../../src/lib/secret.ts';
import { makeWebhook } from '../../../src/observe/webhook.ts';
import { authority } from '../../fixtures/certificates/pki.ts';
import { eventually } from '../../support/eventually.ts';
import { type Receiver, startReceiver } from '../../support/receiver.ts';

const NOW = 1_800_000_000_500;
const idle = new AbortController().signal;

function fileWith(t: TestContext, text: string): string {
  const folder = mkdtempSync(join(tmpdir(), 'sallyport-webhook-'));
  t.after(() => rmSync(folder, { recursive: true }));
  const file = join(folder, 'ca.pem');
  writeFileSync(file, text);
  return file;
}

function webhookTo(t: TestContext, receiver: Receiver, more: Partial<WebhookConfig> = {}) {
  const url = new Secret(`${receiver.origin}/hooks/path-canary?token=query-canary`);
  const trust = fileWith(t, receiver.ca);
  const config = { url, secret: undefined, trust, expiryMs: [1], ...more };
  return makeWebhook(config, { clock: () => NOW, timeoutMs: 300 });
}

test('a notice is one JSON POST to the whole URL, signed over time and body', async (t) => {
  const receiver = await startReceiver(t);
  const body = '{"name":"sïte"}';
  const webhook = webhookTo(t, receiver, { secret: new Secret('a secret of the test') });
  assert.equal(await webhook.post(body, idle), undefined);
  const [got] = receiver.received;
  assert.deepEqual(
    [got?.method, got?.url, got?.body],
    ['POST', '/hooks/path-canary?token=query-canary', body],
  );
  assert.equal(got?.headers['content-type'], 'application/json');
  const [, seconds, mac] = /^t=(\d+),v1=([0-9a-f]{64})$/.exec(
    String(got?.headers['x-sallyport-signature']),
  ) ?? ['', '', ''];
  assert.equal(seconds, '1800000000');
  assert.equal(mac, createHmac('sha256', 'a secret of the test').update(`1800000000.${body}`).digest('hex'));
});

test('without a secret nothing is signed', async (t) => {
  const receiver = await startReceiver(t);
  assert.equal(await webhookTo(t, receiver).post('{}', idle), undefined);
  assert.equal(receiver.received[0]?.headers['x-sallyport-signature'], undefined);
});

test('any 2xx counts, no other status does, and a redirect is not followed', async (t) => {
  const receiver = await startReceiver(t);
  const webhook = webhookTo(t, receiver);
  for (const status of [200, 202, 299]) {
    receiver.answer = (res) => void res.writeHead(status).end('ok');
    assert.equal(await webhook.post('{}', idle), undefined);
  }
  for (const status of [301, 307, 404, 429, 500]) {
    receiver.answer = (res) => void res.writeHead(status, { location: '/elsewhere' }).end('no');
    assert.equal(await webhook.post('{}', idle), `status ${status}`);
  }
  assert.equal(receiver.received.length, 8);
});

test('an answer without end counts by its status and is not read', async (t) => {
  const receiver = await startReceiver(t);
  let left = false;
  receiver.answer = (res) => {
    res.on('close', () => {
      left = true;
    });
    res.on('error', () => undefined);
    const pour = (): void => {
      while (!res.destroyed && res.write('x'.repeat(65_536)));
    };
    res.writeHead(200).on('drain', pour);
    pour();
  };
  assert.equal(await webhookTo(t, receiver).post('{}', idle), undefined);
  await eventually('the answer is left', () => left, 2_000);
});

test('what goes wrong is one word, and never a part of the path', async (t) => {
  const receiver = await startReceiver(t);
  const stranger = fileWith(t, authority('Somebody else').certificate);
  const absent = join(fileWith(t, ''), 'absent');
  const reasons = [
    await webhookTo(t, receiver, { trust: undefined }).post('{}', idle),
    await webhookTo(t, receiver, { trust: stranger }).post('{}', idle),
    await webhookTo(t, receiver, { trust: absent }).post('{}', idle),
  ];
  assert.equal(receiver.received.length, 0, 'nothing is sent to whom nobody vouches for');
  receiver.answer = () => undefined;
  reasons.push(await webhookTo(t, receiver).post('{}', idle));
  receiver.answer = (res) => void res.destroy();
  reasons.push(await webhookTo(t, receiver).post('{}', idle));
  await receiver.close();
  reasons.push(await webhookTo(t, receiver).post('{}', idle));
  assert.match(reasons[0] ?? '', /^(UNABLE_TO|SELF_SIGNED|DEPTH)/);
  assert.match(reasons[1] ?? '', /^(UNABLE_TO|SELF_SIGNED|CERT_|ERR_)/);
  assert.deepEqual(reasons.slice(2), [
    'the file of trusted authorities cannot be read',
    'no answer in time',
    'ECONNRESET',
    'ECONNREFUSED',
  ]);
});

test('verification cannot be switched off by the environment', async (t) => {
  const receiver = await startReceiver(t);
  process.env.NODE_TLS_REJECT_UNAUTHORIZED = '0';
  t.after(() => {
    delete process.env.NODE_TLS_REJECT_UNAUTHORIZED;
  });
  assert.notEqual(await webhookTo(t, receiver, { trust: undefined }).post('{}', idle), undefined);
  assert.equal(receiver.received.length, 0);
});

test('who gives up gets the reason and no verdict', async (t) => {
  const receiver = await startReceiver(t);
  const stop = new AbortController();
  receiver.answer = () => stop.abort(new Error('closing'));
  await assert.rejects(webhookTo(t, receiver).post('{}', stop.signal), /closing/);
});

test('a receiver shows its host alone, and an id that changes with any part of its URL', async (t) => {
  const receiver = await startReceiver(t, 'http');
  const one = webhookTo(t, receiver, { trust: undefined });
  assert.equal(one.host, `localhost:${receiver.port}`);
  assert.match(one.id, /^[0-9a-f]{16}$/);
  assert.equal(await one.post('{}', idle), undefined, 'http on this machine');
  const url = new Secret(`${receiver.origin}/hooks/path-canary?token=other`);
  assert.notEqual(webhookTo(t, receiver, { url }).id, one.id);
});
