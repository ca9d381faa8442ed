import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Child } from './child.ts';
import { neededProgram } from './programs.ts';
import { makeToken, type TestToken } from './token.ts';
import { startNginxUpstream } from './upstream.ts';

/** What all gateways of one measurement share: a folder, a certificate, credentials and the service behind. */
export interface Lab {
  readonly folder: string;
  /** PEM files of an ECDSA P-256 certificate for `localhost`; `bundle` holds both, certificate first. */
  readonly certificate: { readonly chain: string; readonly key: string; readonly bundle: string };
  /** Port of the plain-HTTP service that answers every path with 1 KiB. */
  readonly upstreamPort: number;
  /** Line `bench:$apr1$...`. */
  readonly htpasswd: string;
  readonly basic: string;
  readonly tokens: { readonly es256: TestToken; readonly rs256: TestToken };
  /** What stops with the lab. */
  keep(child: Child): void;
  close(): Promise<void>;
}

const PASSWORD = 'correct horse battery staple';
const CLAIMS = { iss: 'https://issuer.test', aud: 'gateway', sub: 'bench', groups: ['ops'] };

/** Sets up the lab; the caller closes it. An interrupt closes it as well and ends the process. */
export async function openLab(): Promise<Lab> {
  const folder = mkdtempSync(join(tmpdir(), 'sallyport-bench-'));
  const children: Child[] = [];
  const interrupted = (): void => void close().finally(() => process.exit(130));
  const close = async (): Promise<void> => {
    process.off('SIGINT', interrupted).off('SIGTERM', interrupted);
    for (const child of children.reverse()) await child.stop();
    rmSync(folder, { recursive: true, force: true });
  };
  process.on('SIGINT', interrupted).on('SIGTERM', interrupted);
  try {
    const upstream = await startNginxUpstream(folder);
    children.push(upstream.child);
    return {
      folder,
      certificate: makeCertificate(folder),
      upstreamPort: upstream.port,
      htpasswd: makeHtpasswd(folder),
      basic: `Basic ${Buffer.from(`bench:${PASSWORD}`).toString('base64')}`,
      tokens: { es256: makeToken('ES256', CLAIMS), rs256: makeToken('RS256', CLAIMS) },
      keep: (child) => void children.push(child),
      close,
    };
  } catch (thrown) {
    await close();
    throw thrown;
  }
}

function makeCertificate(folder: string): Lab['certificate'] {
  const [chain, key, bundle] = ['site.crt', 'site.key', 'site.pem'].map((name) => join(folder, name));
  if (chain === undefined || key === undefined || bundle === undefined) throw new Error('unreachable');
  const args =
    'req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 2 -subj /CN=localhost'.split(' ');
  const names = ['-addext', 'subjectAltName=DNS:localhost', '-addext', 'basicConstraints=critical,CA:FALSE'];
  execFileSync(neededProgram('openssl'), [...args, ...names, '-keyout', key, '-out', chain], {
    stdio: 'ignore',
  });
  writeFileSync(bundle, readFileSync(chain, 'utf8') + readFileSync(key, 'utf8'), { mode: 0o600 });
  return { chain, key, bundle };
}

function makeHtpasswd(folder: string): string {
  const hash = execFileSync(neededProgram('openssl'), ['passwd', '-apr1', '-stdin'], {
    input: PASSWORD,
    encoding: 'utf8',
  });
  const file = join(folder, 'htpasswd');
  writeFileSync(file, `bench:${hash.trim()}\n`, { mode: 0o644 });
  return file;
}
