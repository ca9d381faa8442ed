import { createHash, X509Certificate } from 'node:crypto';
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import type { TestContext } from 'node:test';
import { type BrowserContext, chromium } from 'playwright-core';
import { FLAGS, findChromium } from './browser.ts';

/** Chromium's `CertificateMetadata { trust { trust_type: TRUSTED } }`, a protobuf. */
const TRUSTED = Buffer.from('0a020803', 'hex');

/**
 * Starts Chromium with a profile of its own that judges every certificate as it does for people; both are gone after the test.
 *
 * @param roots - PEM of authorities that its person took into "Certificates > Trusted"; nobody else's profile knows of them
 */
export async function startWaryBrowser(t: TestContext, roots: readonly string[]): Promise<BrowserContext> {
  const folder = mkdtempSync(join(tmpdir(), 'sallyport-profile-'));
  writeRoots(join(folder, 'Default'), roots);
  const context = await chromium.launchPersistentContext(folder, {
    executablePath: findChromium(),
    headless: true,
    args: [...FLAGS],
    timeout: 30_000,
  });
  t.after(async () => {
    await context.close();
    rmSync(folder, { recursive: true, force: true, maxRetries: 5 });
  });
  return context;
}

/** Writes what Chromium's own page for certificates writes: nothing of the machine is changed, and no further program is needed. */
function writeRoots(profile: string, roots: readonly string[]): void {
  mkdirSync(profile);
  const database = new DatabaseSync(join(profile, 'ServerCertificate'));
  database.exec(`
    CREATE TABLE meta(key LONGVARCHAR NOT NULL UNIQUE PRIMARY KEY, value LONGVARCHAR);
    INSERT INTO meta VALUES('version', '1'), ('last_compatible_version', '1');
    CREATE TABLE certificates(sha256hash_hex TEXT PRIMARY KEY, der_cert BLOB NOT NULL, trust_settings BLOB NOT NULL);`);
  const insert = database.prepare('INSERT INTO certificates VALUES(?, ?, ?)');
  for (const root of roots) {
    const { raw } = new X509Certificate(root);
    insert.run(createHash('sha256').update(raw).digest('hex'), raw, TRUSTED);
  }
  database.close();
}
