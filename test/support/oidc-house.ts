import { randomBytes } from 'node:crypto';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { TestContext } from 'node:test';
import type { OidcProviderConfig } from '../../src/config/config.ts';
import { type Logger, silentLogger } from '../../src/lib/logger.ts';
import { makeSealer, type Sealer } from '../../src/lib/seal.ts';
import { Secret } from '../../src/lib/secret.ts';
import { Sessions } from '../../src/sessions/sessions.ts';
import { Oidc } from '../../src/sign-in/oidc/oidc.ts';
import { openEmbeddedStore } from '../../src/state/embedded.ts';
import { Notices } from '../../src/state/notices.ts';
import type { Store } from '../../src/state/store.ts';
import { CLIENT_SECRET } from './real-provider.ts';

/** The relying party as one process has it. */
export interface OidcProcess {
  readonly oidc: Oidc;
  readonly sessions: Sessions;
  readonly notices: Notices;
  readonly store: Store;
}

/** A relying party on an embedded state, whose clock the test can put forward. */
export interface OidcHouse extends OidcProcess {
  /** Moves the clock, milliseconds. */
  advance(ms: number): void;
  /** Gives the relying party as another process of the fleet has it. */
  another(): Promise<OidcProcess>;
}

export interface OidcHouseOptions {
  readonly configs: readonly OidcProviderConfig[];
  readonly logger?: Logger;
  readonly timeoutMs?: number;
  readonly retryMs?: number;
}

/** Opens a relying party; the test's end closes it. */
export async function openOidcHouse(t: TestContext, options: OidcHouseOptions): Promise<OidcHouse> {
  const folder = mkdtempSync(join(tmpdir(), 'oidc-'));
  const sealer = makeSealer(randomBytes(32));
  let aheadMs = 0;
  const clock = () => Date.now() + aheadMs;
  const opened: OidcProcess[] = [];
  const open = async (): Promise<OidcProcess> => {
    const process = openProcess({ path: join(folder, 'state.db'), sealer, clock, ...options });
    opened.push(process);
    await process.notices.start();
    return process;
  };
  t.after(async () => {
    for (const { oidc, sessions, notices, store } of opened) {
      oidc.close();
      await sessions.close();
      notices.close();
      await store.close();
    }
    rmSync(folder, { recursive: true });
  });
  return {
    ...(await open()),
    advance: (ms) => {
      aheadMs += ms;
    },
    another: open,
  };
}

function openProcess(
  parts: { readonly path: string; readonly sealer: Sealer; readonly clock: () => number } & OidcHouseOptions,
): OidcProcess {
  const { path, sealer, clock, logger = silentLogger, ...options } = parts;
  const store = openEmbeddedStore({ path, clock, logger });
  const notices = new Notices({ store, logger });
  const config = { idleMs: 3_600_000, absoluteMs: 86_400_000, reauthMs: 0 };
  const sessions = new Sessions({ store, notices, clock, logger, config, sealer });
  const oidc = new Oidc({ sessions, store, sealer, clock, logger, ...options });
  return { oidc, sessions, notices, store };
}

/** Gives the settings of a provider with what a test changes of them. */
export function providerConfig(
  change: Partial<OidcProviderConfig> & Pick<OidcProviderConfig, 'issuer'>,
): OidcProviderConfig {
  return {
    name: 'corp',
    clientId: 'sallyport',
    clientSecret: new Secret(CLIENT_SECRET),
    scopes: ['openid', 'profile', 'email', 'offline_access'],
    user: 'sub',
    groups: 'groups',
    email: 'email',
    allowedEmailDomains: [],
    displayName: 'Corp',
    ca: undefined,
    refreshMs: 300_000,
    logout: 'provider',
    ...change,
  };
}

/** Gives the `Cookie` field that a browser sends after these `Set-Cookie` values. */
export function cookieOf(...setCookies: readonly (readonly string[])[]): string {
  const jar = new Map<string, string>();
  for (const line of setCookies.flat()) {
    const [pair = ''] = line.split(';');
    const mark = pair.indexOf('=');
    if (line.includes('Max-Age=0')) jar.delete(pair.slice(0, mark));
    else jar.set(pair.slice(0, mark), pair.slice(mark + 1));
  }
  return [...jar].map(([name, value]) => `${name}=${value}`).join('; ');
}
