import { createHash } from 'node:crypto';
import { mkdirSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { TestContext } from 'node:test';
import { connect } from 'node:tls';
import {
  type Browser,
  type BrowserContext,
  type BrowserContextOptions,
  chromium,
  type Page,
} from 'playwright-core';
import { findProgram } from './provision-find.ts';

/** Longest wait for anything that a page is expected to do. */
const PATIENCE_MS = 10_000;

/** What every Chromium of a test is started with; nothing among it touches what it thinks of certificates. */
export const FLAGS: readonly string[] = [
  // Chromium's own sandbox needs rights that containers lack; the tests open only their own pages.
  '--no-sandbox',
  '--disable-gpu',
  '--disable-dev-shm-usage',
  '--no-first-run',
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-sync',
  '--disable-default-apps',
  // Names of tests are at home here, and nothing else is anywhere: no test can reach the world.
  '--host-resolver-rules=MAP *.test 127.0.0.1, MAP localhost 127.0.0.1, MAP *.localhost 127.0.0.1, MAP * ~NOTFOUND, EXCLUDE 127.0.0.1',
];

/** A real browser; each person in it has a profile of their own, as if it were another machine. */
export interface TestBrowser {
  readonly browser: Browser;
  /** Gives a new, empty profile; its pages are told to the failing test's folder of screenshots. */
  person(t: TestContext, options?: BrowserContextOptions): Promise<BrowserContext>;
  close(): Promise<void>;
}

/**
 * Starts Chromium without a window; it ends with this process at the latest.
 *
 * Every certificate is accepted: what TLS has to refuse is tested with TLS clients. Pages for which passkeys are to work must have
 * one without any fault, though, so that of the ports in `trusted` is taken for one of a known CA.
 */
export async function startBrowser(trusted: readonly number[] = []): Promise<TestBrowser> {
  const executablePath = findChromium();
  const keys = await Promise.all(trusted.map(keyHashAt));
  const args = [...FLAGS, `--ignore-certificate-errors-spki-list=${keys.join(',')}`];
  const browser = await chromium.launch({ executablePath, headless: true, args, timeout: 30_000 });
  return {
    browser,
    async person(t, options) {
      const context = await browser.newContext({ ignoreHTTPSErrors: trusted.length === 0, ...options });
      context.setDefaultTimeout(PATIENCE_MS);
      t.after(async () => {
        if (!t.passed) await shoot(t, context);
        await context.close();
      });
      return context;
    },
    close: () => browser.close(),
  };
}

/** Gives the path of the browser that tests start. @throws one clear line when there is none */
export function findChromium(): string {
  const named = process.env.SALLYPORT_TEST_CHROMIUM;
  const found = findProgram(named ?? 'chromium');
  if (found !== undefined) return found;
  const looked = named === undefined ? 'on the PATH' : `at SALLYPORT_TEST_CHROMIUM=${named}`;
  throw new Error(`chromium was not found ${looked}: install it, or name it in SALLYPORT_TEST_CHROMIUM`);
}

/** Gives the folder for pictures: SALLYPORT_TEST_SCREENSHOTS, else one under the system's temporary folder. */
export function screenshotFolder(): string {
  const folder = process.env.SALLYPORT_TEST_SCREENSHOTS ?? join(tmpdir(), 'sallyport-screenshots');
  mkdirSync(folder, { recursive: true });
  return folder;
}

/** Takes a picture of a whole page. @returns its path */
export async function takePicture(page: Page, name: string): Promise<string> {
  const path = join(screenshotFolder(), `${name.replaceAll(/[^a-zA-Z0-9]+/g, '-')}.png`);
  await page.screenshot({ path, fullPage: true });
  return path;
}

/** Gives the SHA-256 of the public key in the certificate for `localhost` at a port, base64. */
function keyHashAt(port: number): Promise<string> {
  return new Promise((resolve, reject) => {
    const socket = connect({ port, host: '127.0.0.1', servername: 'localhost', rejectUnauthorized: false });
    socket.once('error', reject);
    socket.once('secureConnect', () => {
      const { publicKey } = socket.getPeerX509Certificate() ?? {};
      socket.destroy();
      if (publicKey === undefined) return reject(new Error(`no certificate at ${port}`));
      resolve(
        createHash('sha256')
          .update(publicKey.export({ type: 'spki', format: 'der' }))
          .digest('base64'),
      );
    });
  });
}

async function shoot(t: TestContext, context: BrowserContext): Promise<void> {
  for (const [number, page] of context.pages().entries()) {
    const path = await takePicture(page, `${t.name} ${number + 1}`).catch(() => undefined);
    t.diagnostic(`the page ${page.url()} looks like ${path}`);
  }
}
