import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { type ClientEntry, loadClientEntry } from '../../../src/certificates/client-entry.ts';
import { clientEnds, clientOutlook } from '../../../src/certificates/client-outlook.ts';
import { readRevocationList } from '../../../src/certificates/revocation-list.ts';
import { type Authority, authority, days, leaf, NOW } from '../../fixtures/certificates/pki.ts';
import { revocationList, withAuthorityKeyId } from '../../support/client-pki.ts';

const root = authority('Root');
const other = authority('Other Root');

async function entryOf(
  t: TestContext,
  authorities: readonly { readonly certificate: string }[],
  lists: readonly string[] = [],
): Promise<ClientEntry> {
  const folder = mkdtempSync(join(tmpdir(), 'sallyport-outlook-'));
  t.after(() => rmSync(folder, { recursive: true, force: true }));
  const [ca, crl] = [join(folder, 'ca.crt'), join(folder, 'ca.crl')];
  writeFileSync(ca, authorities.map(({ certificate }) => certificate).join(''));
  writeFileSync(crl, lists.join(''));
  return await loadClientEntry({
    name: 'devices',
    ca,
    crl: lists.length === 0 ? undefined : crl,
    hosts: [],
    mode: 'require',
    identity: 'subject-cn',
    users: undefined,
    groups: [],
  });
}

function told(entry: ClientEntry, nowMs = NOW): string[] {
  return clientOutlook(entry, nowMs).map(({ verdict, text }) => `${verdict} ${text}`);
}

test('authorities are told of two weeks before they end, and when they have ended', async (t) => {
  const entry = await entryOf(t, [root]);
  assert.deepEqual(told(entry), []);
  assert.deepEqual(told(entry, NOW + days(350)), []);
  assert.match(
    told(entry, NOW + days(352)).join(),
    /^warn client certificates devices: the authority CN=Root ends /,
  );
  assert.match(
    told(entry, NOW + days(365)).join(),
    /^fail .*CN=Root ended on .*everybody below it is refused$/,
  );
  assert.deepEqual(clientEnds(entry), { caEndsMs: NOW + days(365), crlEndsMs: undefined });
});

test('an authority that was made anew counts with the certificate that ends last', async (t) => {
  const old = authority('Root', { key: root.key, notAfterMs: NOW - days(1) });
  const entry = await entryOf(t, [old, root, other]);
  assert.deepEqual(told(entry), []);
  assert.equal(clientEnds(entry).caEndsMs, NOW + days(365));
});

test('a list is near its end in the last tenth of its life, and refuses everybody after it', async (t) => {
  const entry = await entryOf(t, [root], [revocationList(root, [], NOW + days(9), NOW - days(1))]);
  assert.deepEqual(told(entry), []);
  assert.deepEqual(told(entry, NOW + days(7.9)), []);
  assert.match(
    told(entry, NOW + days(8.1)).join(),
    /^warn .*the revocation list of CN=Root in .*ca\.crl is out of date from /,
  );
  assert.match(
    told(entry, NOW + days(9)).join(),
    /^fail .*is out of date since .*: everybody below it is refused$/,
  );
  assert.match(told(entry, NOW - days(2)).join(), /^fail .*counts from .* only/);
  assert.equal(clientEnds(entry).crlEndsMs, NOW + days(9));
});

test('of several lists the first that is out of date counts, of those of one authority the last', async (t) => {
  const lists = [
    revocationList(root, [], NOW - days(1)),
    revocationList(root, [], NOW + days(200)),
    revocationList(other, [], NOW + days(100)),
  ];
  const entry = await entryOf(t, [root, other], lists);
  assert.deepEqual(told(entry), []);
  assert.equal(clientEnds(entry).crlEndsMs, NOW + days(100));
  const endless = await entryOf(t, [root], [revocationList(root, [], 'never')]);
  assert.deepEqual([told(endless), clientEnds(endless).crlEndsMs], [[], undefined]);
});

test('an authority without a list beside others that have one is told of', async (t) => {
  const entry = await entryOf(t, [root, other], [revocationList(root, [], NOW + days(100))]);
  assert.match(told(entry).join(), /^fail .*the authority CN=Other Root has no revocation list/);
});

test('lists of two authorities of one name and two keys must say whose they are', async (t) => {
  const rekeyed = authority('Root');
  const plain = (issuer: Authority): string => revocationList(issuer, [], NOW + days(100));
  const keyed = (issuer: Authority): string => withAuthorityKeyId(plain(issuer), issuer);
  const all = (lists: readonly string[], authorities = [root, rekeyed, other]): Promise<ClientEntry> =>
    entryOf(t, authorities, lists);
  const text =
    /^fail client certificates devices: several authorities .* CN=Root, .*ca\.crl .* no authority key identifier: .*refused$/;
  assert.match(told(await all([plain(root), plain(rekeyed), plain(other)])).join(), text);
  assert.match(told(await all([keyed(root), plain(rekeyed), keyed(other)])).join(), text);
  assert.deepEqual(told(await all([keyed(root), keyed(rekeyed), plain(other)])), []);
  const renewed = authority('Root', { key: root.key });
  assert.deepEqual(told(await all([plain(root)], [root, renewed])), []);
  assert.deepEqual(told(await entryOf(t, [root, rekeyed])), []);
});

test('the head of a list is read whatever it revokes, and what is no list is refused', () => {
  const some = Array.from({ length: 700 }, () => leaf(root, ['x'], { key: root.key }).certificate);
  const list = readRevocationList(revocationList(root, some, NOW + days(1), NOW - days(1)));
  assert.deepEqual([list.thisUpdateMs, list.nextUpdateMs], [NOW - days(1), NOW + days(1)]);
  assert.equal(list.hasAuthorityKeyId, false);
  for (const until of [NOW + days(1), 'never'] as const) {
    for (const revoked of [[], some]) {
      const named = withAuthorityKeyId(revocationList(root, revoked, until), root);
      assert.equal(readRevocationList(named).hasAuthorityKeyId, true);
    }
  }
  const late = Date.UTC(2051, 0, 1);
  assert.equal(readRevocationList(revocationList(root, [], late)).nextUpdateMs, late);
  for (const bytes of ['', '30', '3080', '30893000', '3005a003020100', '30030c0141']) {
    const text = Buffer.from(bytes, 'hex').toString('base64');
    assert.throws(
      () => readRevocationList(`-----BEGIN X509 CRL-----\n${text}\n-----END X509 CRL-----\n`),
      bytes,
    );
  }
});
