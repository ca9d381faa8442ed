import assert from 'node:assert/strict';
import { test } from 'node:test';
import { canonicalName } from '../../../src/accounts/account-name.ts';
import { systemClock } from '../../../src/lib/clock.ts';
import { makeAccessLog } from '../../../src/observe/access-log.ts';
import { makeMetrics } from '../../../src/observe/metrics.ts';
import { makeRecorder } from '../../../src/observe/recorder.ts';
import { makeSecurityLog } from '../../../src/observe/security-log.ts';
import { finishedExchange } from './finished-exchange.ts';

function openRecorder() {
  const lines: string[] = [];
  const metrics = makeMetrics();
  const accessLog = makeAccessLog({ write: (text) => lines.push(text) });
  const destination = { write: (text: string) => lines.push(text) };
  const securityLog = makeSecurityLog({ destination, clock: systemClock, canonicalName });
  return { recorder: makeRecorder({ accessLog, securityLog, metrics }), metrics, lines };
}

async function assertSeries(metrics: { text(): Promise<string> }, wanted: readonly string[]): Promise<void> {
  const lines = new Set((await metrics.text()).split('\n'));
  for (const line of wanted)
    assert.ok(lines.has(line), `${line}\n${[...lines].filter((l) => l.startsWith('sally')).join('\n')}`);
}

test('an exchange is counted, measured and logged once', async () => {
  const { recorder, metrics, lines } = openRecorder();
  recorder.record(finishedExchange());
  recorder.record(finishedExchange({ finished: { status: 503 }, record: { upstreamMs: undefined } }));
  assert.equal(lines.length, 2);
  await assertSeries(metrics, [
    'sallyport_requests_total{route="api.test/v1",status="200",http="2"} 1',
    'sallyport_requests_total{route="api.test/v1",status="503",http="2"} 1',
    'sallyport_request_duration_seconds_bucket{route="api.test/v1",le="0.01"} 0',
    'sallyport_request_duration_seconds_bucket{route="api.test/v1",le="0.025"} 2',
    'sallyport_request_duration_seconds_bucket{route="api.test/v1",le="+Inf"} 2',
    'sallyport_request_duration_seconds_count{route="api.test/v1"} 2',
    'sallyport_upstream_duration_seconds_count{route="api.test/v1"} 1',
    'sallyport_upstream_duration_seconds_sum{route="api.test/v1"} 0.0045',
    'sallyport_authentications_total{method="token",outcome="verified",reason="none"} 2',
    '# TYPE sallyport_request_duration_seconds histogram',
  ]);
});

test('counters go on from where they were after a scrape', async () => {
  const { recorder, metrics } = openRecorder();
  recorder.record(finishedExchange());
  await metrics.text();
  recorder.record(finishedExchange());
  await assertSeries(metrics, ['sallyport_requests_total{route="api.test/v1",status="200",http="2"} 2']);
});

test('verdicts are counted by outcome and reason', async () => {
  const { recorder, metrics } = openRecorder();
  const none = { method: undefined, decision: 'failed' } as const;
  recorder.record(
    finishedExchange({ record: { ...none, code: 'SP_AUTHENTICATE_REJECTED', reason: 'expired' } }),
  );
  recorder.record(finishedExchange({ record: { ...none, code: 'SP_AUTHENTICATE_REQUIRED' } }));
  recorder.record(
    finishedExchange({ record: { code: 'SP_AUTHORIZE_DENIED', reason: 'group', decision: 'denied' } }),
  );
  recorder.record(finishedExchange({ record: { method: undefined } }));
  await assertSeries(metrics, [
    'sallyport_authentications_total{method="none",outcome="rejected",reason="expired"} 1',
    'sallyport_authentications_total{method="none",outcome="absent",reason="none"} 1',
    'sallyport_authentications_total{method="token",outcome="verified",reason="none"} 1',
  ]);
});

test('a request that never became canonical is counted without a route', async () => {
  const { recorder, metrics, lines } = openRecorder();
  recorder.recordRefused({
    id: undefined,
    peer: '10.0.0.1',
    code: 'SP_LISTEN_BAD_PATH',
    detail: undefined,
    status: 400,
    http: '1.1',
  });
  assert.equal(lines.length, 1);
  await assertSeries(metrics, ['sallyport_requests_total{route="none",status="400",http="1.1"} 1']);
});

test('the number of authentication series is bounded', async () => {
  const { metrics } = openRecorder();
  for (let n = 0; n < 2000; n++) metrics.authentication('token', 'rejected', `word-${n}`);
  const series = (await metrics.text())
    .split('\n')
    .filter((line) => line.startsWith('sallyport_authentications_total{'));
  assert.ok(series.length <= 257, String(series.length));
  assert.ok(series.some((line) => line.includes('method="other"')));
});

test('the gauges of the house show what they were told, and two houses share nothing', async () => {
  const metrics = makeMetrics();
  const other = makeMetrics();
  metrics.storeUp(true);
  metrics.configLoaded(3, false);
  metrics.connections(1);
  metrics.connections(1);
  metrics.connections(-1);
  metrics.handshake('TLSv1.3', 'done');
  metrics.accessLogDropped(7);
  metrics.certificates([{ name: 'old', notAfterSec: 1 }]);
  metrics.certificates([{ name: 'site', notAfterSec: 1_800_000_000 }]);
  await assertSeries(metrics, [
    'sallyport_store_up 1',
    'sallyport_config_generation 3',
    'sallyport_config_last_reload_success 0',
    'sallyport_open_connections 1',
    'sallyport_handshakes_total{protocol="TLSv1.3",outcome="done"} 1',
    'sallyport_access_log_dropped_total 7',
    'sallyport_certificate_expiry_timestamp_seconds{name="site"} 1800000000',
  ]);
  const text = await metrics.text();
  assert.ok(!text.includes('name="old"'));
  assert.match(text, /^process_cpu_seconds_total /m);
  await assertSeries(other, ['sallyport_store_up 0', 'sallyport_access_log_dropped_total 0']);
});

test('refused client certificates are counted by reason, and entries that are gone have no series', async () => {
  const metrics = makeMetrics();
  metrics.clientCertificateRefused('crl-expired');
  metrics.clientCertificateRefused('crl-expired');
  metrics.clientEntries([{ name: 'old', caEndsSec: 10, crlNextUpdateSec: 20 }]);
  metrics.clientEntries([{ name: 'devices', caEndsSec: 30, crlNextUpdateSec: undefined }]);
  await assertSeries(metrics, [
    'sallyport_client_certificates_refused_total{reason="crl-expired"} 2',
    'sallyport_client_ca_expiry_timestamp_seconds{entry="devices"} 30',
  ]);
  assert.doesNotMatch(await metrics.text(), /entry="old"|next_update_timestamp_seconds\{/);
});
