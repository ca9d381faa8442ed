import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { CertificateView } from '../../../../src/certificates/certificate-view.ts';
import { dueNotices } from '../../../../src/certificates/webhook/due-notices.ts';
import { DAY_MS, END_MS, view } from './teller-house.ts';

const EXPIRY_MS = [30, 14, 7, 3, 1].map((count) => count * DAY_MS);

function idAt(certificate: CertificateView, leftMs: number, expiryMs = EXPIRY_MS): string | undefined {
  const [notice] = dueNotices({ certificates: [certificate], failures: [], expiryMs }, END_MS - leftMs);
  return notice?.id.replace(/\/[0-9a-f]{64}/, '');
}

test('of all thresholds that are reached only the shortest is told', () => {
  const told = [31, 30, 20, 14, 8, 7, 3, 2, 1, 0.5].map((left) => idAt(view(), left * DAY_MS));
  assert.deepEqual(
    told.map((id) => id?.split('/')[1]),
    [undefined, 30, 30, 14, 14, 7, 3, 3, 1, 1].map((count) => count && String(count * 86_400)),
  );
  assert.equal(idAt(view(), 0), 'certificate-expired');
  assert.equal(idAt(view(), -400 * DAY_MS), 'certificate-expired');
});

test('a certificate that renews itself is told of below a tenth of its life only', () => {
  for (const source of ['dev', 'acme']) {
    const own = view({ source });
    assert.equal(idAt(own, 29 * DAY_MS), undefined, 'its renewal began a day ago');
    assert.equal(idAt(own, 8 * DAY_MS), undefined, 'the CA may have asked for a late renewal');
    assert.equal(idAt(own, 7 * DAY_MS), 'certificate-expiring/604800');
    assert.equal(idAt(own, -1), 'certificate-expired');
  }
  const short = view({ source: 'acme', notBefore: new Date(END_MS - 6 * DAY_MS).toISOString() });
  assert.equal(idAt(short, DAY_MS), undefined);
  assert.equal(idAt(short, DAY_MS / 2, [DAY_MS / 2]), 'certificate-expiring/43200');
});

test('uploaded certificates and files are told of at every threshold, however short their life', () => {
  for (const source of ['files', 'uploaded']) {
    const brief = view({ source, notBefore: new Date(END_MS - 6 * DAY_MS).toISOString() });
    assert.equal(idAt(brief, 6 * DAY_MS), 'certificate-expiring/604800');
  }
});

test('a notice says which certificate, until when, and how much is left', () => {
  const [notice] = dueNotices(
    { certificates: [view()], failures: [], expiryMs: EXPIRY_MS },
    END_MS - 2 * DAY_MS,
  );
  const { notBefore: _, keyType: __, ...shown } = view();
  assert.deepEqual(notice?.certificate, { ...shown, remainingSec: 172_800 });
  assert.equal(notice?.event, 'certificate-expiring');
});

test('an order that failed is one matter a day, whatever went wrong', () => {
  const failed = (atMs: number, detail: string) => {
    const failure = {
      name: 'a',
      names: ['a.test'],
      reason: 'refused' as const,
      detail,
      atMs,
      againAtMs: atMs + 60_000,
    };
    return dueNotices({ certificates: [], failures: [failure], expiryMs: EXPIRY_MS }, atMs + 1)[0];
  };
  const first = failed(Date.UTC(2026, 2, 1, 0, 0, 5), 'one');
  assert.deepEqual(first, {
    event: 'certificate-order-failed',
    id: 'certificate-order-failed/a/2026-03-01',
    certificate: { name: 'a', names: ['a.test'] },
    order: { reason: 'refused', detail: 'one', nextAttemptAt: '2026-03-01T00:01:05.000Z' },
  });
  assert.equal(failed(Date.UTC(2026, 2, 1, 23, 59, 59), 'two')?.id, first?.id);
  assert.notEqual(failed(Date.UTC(2026, 2, 2), 'three')?.id, first?.id);
});
