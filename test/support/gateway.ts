import { closeSync, mkdtempSync, openSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type RunningGateway, startGateway } from '../../src/gateway.ts';
import { callAdmin } from './call-admin.ts';

/** A whole gateway in this process, on ports that the system chose. */
export interface TestGateway {
  readonly gateway: RunningGateway;
  readonly folder: string;
  readonly port: number;
  /** Base URL of the admin API. */
  readonly admin: string;
  readonly adminToken: string;
  /** PEM of the dev CA. */
  readonly ca: string;
  /** Everything logged so far, access log included, parsed; waits for the buffer. */
  log(): Promise<readonly Record<string, unknown>[]>;
  /** Calls the admin API; JSON in, JSON out. */
  call(method: string, path: string, body?: unknown): Promise<{ status: number; body: unknown }>;
  /** Writes another configuration and reloads. */
  reconfigure(yaml: string): Promise<void>;
  close(): Promise<void>;
}

export interface TestGatewayOptions {
  /** Everything but `listen.https`, `listen.admin` and `state`, which are given unless named here. */
  readonly yaml: string;
  /** Value of `state`; default an embedded one in the folder. */
  readonly state?: string;
  /** Further keys of `listen`, YAML flow style without braces, e.g. `limits: { bodyBytes: 1KiB }`. */
  readonly listen?: string;
  /** Value of `listen.https`; default a free port. */
  readonly https?: string;
  readonly env?: Readonly<Record<string, string>>;
  /** Folder of an earlier gateway, to start on its data. */
  readonly folder?: string;
}

/** Starts a gateway with a configuration; the certificate for `localhost` and `*.localhost` is there unless `yaml` names some. */
export async function startTestGateway(options: TestGatewayOptions): Promise<TestGateway> {
  const folder = options.folder ?? mkdtempSync(join(tmpdir(), 'sallyport-'));
  const configFile = join(folder, 'sallyport.yaml');
  writeFileSync(configFile, fullConfig(options));
  const logFile = join(folder, 'log.ndjson');
  const logFd = openSync(logFile, 'a');
  const gateway = await startGateway({
    configFile,
    dataFolder: join(folder, 'data'),
    env: options.env ?? {},
    print: () => {},
    logFd,
  });
  const admin = gateway.urls.admin;
  const ca = readFileSync(join(folder, 'data/dev-ca.crt'), 'utf8');
  const adminToken = readFileSync(join(folder, 'data/admin-token'), 'utf8').trim();
  return {
    gateway,
    folder,
    port: Number(new URL(gateway.urls.https[0] ?? '').port),
    admin,
    adminToken,
    ca,
    async log() {
      await new Promise((resolve) => setTimeout(resolve, 120));
      return readFileSync(logFile, 'utf8')
        .split('\n')
        .filter((line) => line !== '')
        .map((line) => JSON.parse(line));
    },
    call: (method, path, body) => callAdmin({ admin, adminToken, ca }, method, path, body),
    async reconfigure(yaml) {
      writeFileSync(configFile, fullConfig({ ...options, yaml }));
      await gateway.reload();
    },
    async close() {
      await gateway.close();
      closeSync(logFd);
      if (options.folder === undefined) rmSync(folder, { recursive: true, force: true });
    },
  };
}

function fullConfig({ yaml, state, listen, https = '127.0.0.1:0' }: TestGatewayOptions): string {
  const certificates = /^certificates:/m.test(yaml)
    ? ''
    : 'certificates: [{ name: localhost, dev: { names: [localhost, "*.localhost"] } }]\n';
  return `listen: { https: "${https}", admin: "127.0.0.1:0", drain: 2s${listen === undefined ? '' : `, ${listen}`} }
state: ${state ?? 'file:data/state.db'}
${certificates}${yaml}`;
}
