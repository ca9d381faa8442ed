import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { RenewalHints } from '../../../../src/certificates/acme/renewal-hints.ts';
import { silentLogger } from '../../../../src/lib/logger.ts';
import { authority, leaf } from '../../../fixtures/certificates/pki.ts';
import { startAcmeFront } from '../../../support/acme-front.ts';
import { pairLiving } from './pair.ts';

const NOW = Date.UTC(2030, 0, 15);
const HOUR_MS = 3600_000;
const PAIR = {
  ...pairLiving('AA', [0, 90], NOW),
  certificate: leaf(authority('CA'), ['a.test']).certificate,
};
const WINDOW = { suggestedWindow: { start: '2030-02-01T00:00:00Z', end: '2030-02-02T00:00:00Z' } };

interface Answer {
  readonly status: number;
  readonly retryAfter?: string;
}

/** Gives hints of a CA that answers one question after the other, and how often it was asked. */
async function hintsOf(t: TestContext, answers: readonly Answer[]) {
  const front = await startAcmeFront(undefined);
  const folder = mkdtempSync(join(tmpdir(), 'sallyport-hints-'));
  t.after(() => {
    front.close();
    rmSync(folder, { recursive: true });
  });
  const trust = join(folder, 'ca.pem');
  writeFileSync(trust, front.ca);
  const state = { asked: 0, nowMs: NOW };
  front.intercept = (req, res) => {
    const base = new URL(front.directory).origin;
    const urls = { newNonce: base, newAccount: base, newOrder: base, renewalInfo: `${base}/renewal-info` };
    if (req.url === '/dir') {
      res.end(JSON.stringify(urls));
      return true;
    }
    const { status, retryAfter } = answers[state.asked++] ?? { status: 404 };
    res.writeHead(status, retryAfter === undefined ? {} : { 'retry-after': retryAfter });
    res.end(JSON.stringify(WINDOW));
    return true;
  };
  const source = {
    kind: 'acme' as const,
    names: ['a.test'],
    onDemand: [],
    directories: [front.directory],
    challenge: 'http-01' as const,
    hook: [],
    email: undefined,
    eab: undefined,
    keyType: 'ecdsa' as const,
    trust,
  };
  const parts = { clock: () => state.nowMs, logger: silentLogger };
  const hints = new RenewalHints(parts, { name: 'a.test', source });
  const askAt = async (nowMs: number): Promise<void> => {
    state.nowMs = nowMs;
    await hints.ask(PAIR, AbortSignal.timeout(5_000));
  };
  return { hints, state, askAt };
}

test('the CA is asked again when it said so, and not before', async (t) => {
  const { hints, state, askAt } = await hintsOf(t, [{ status: 200, retryAfter: '7200' }, { status: 200 }]);
  await askAt(NOW);
  assert.equal(hints.askAgainAtMs(PAIR), NOW + 2 * HOUR_MS);
  await askAt(NOW + 2 * HOUR_MS - 1);
  assert.equal(state.asked, 1);
  await askAt(NOW + 2 * HOUR_MS);
  assert.equal(state.asked, 2);
  assert.equal(hints.askAgainAtMs(PAIR), NOW + 8 * HOUR_MS);
});

test('a CA that has no time is asked again when it said so; what it said before counts on', async (t) => {
  const busy = { status: 503, retryAfter: '14400' };
  const { hints, askAt } = await hintsOf(t, [{ status: 200, retryAfter: '3600' }, busy, { status: 500 }]);
  await askAt(NOW);
  const renewAtMs = hints.renewAtMs(PAIR);
  assert.ok(renewAtMs !== undefined && renewAtMs >= Date.UTC(2030, 1, 1));
  await askAt(NOW + HOUR_MS);
  assert.deepEqual([hints.askAgainAtMs(PAIR), hints.renewAtMs(PAIR)], [NOW + 5 * HOUR_MS, renewAtMs]);
  await askAt(NOW + 5 * HOUR_MS);
  assert.deepEqual([hints.askAgainAtMs(PAIR), hints.renewAtMs(PAIR)], [NOW + 6 * HOUR_MS, renewAtMs]);
});

test('what was said of one pair is not taken for another', async (t) => {
  const { hints, askAt } = await hintsOf(t, [{ status: 200 }]);
  await askAt(NOW);
  const other = pairLiving('BB', [0, 90], NOW);
  assert.deepEqual([hints.renewAtMs(other), hints.renewAtMs(undefined)], [undefined, undefined]);
  assert.equal(hints.askAgainAtMs(other), Number.POSITIVE_INFINITY);
});
