import assert from 'node:assert/strict';
import { readFileSync, writeFileSync } from 'node:fs';
import type { TestContext } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { connect, type PeerCertificate } from 'node:tls';
import { type AcmeFront, startAcmeFront } from './acme-front.ts';
import { startTestGateway, type TestGateway } from './gateway.ts';
import { type Pebble, type PebbleSettings, startPebble } from './pebble.ts';
import { freePort } from './redis.ts';

export interface AcmeHouseOptions {
  readonly names: readonly string[];
  readonly challenge: 'http-01' | 'tls-alpn-01' | 'dns-01';
  readonly pebble?: Omit<PebbleSettings, 'httpPort' | 'tlsPort'>;
  /** Further keys of `acme`, YAML flow style without braces. */
  readonly more?: string;
  /** Address of the CA's directory; default that of the server. */
  readonly directory?: string;
  /** Directories that are tried before it. */
  readonly before?: readonly string[];
  /** Hosts of further routes. */
  readonly routes?: readonly string[];
  readonly env?: Readonly<Record<string, string>>;
  /** Puts a front before the server, and says what it does. */
  readonly through?: (front: AcmeFront) => void;
  /** Runs between the starts of the two. */
  readonly prepare?: (pebble: Pebble) => unknown;
}

/** A gateway and the ACME server that looks for its answers on the gateway's ports. */
export interface AcmeHouse {
  readonly house: TestGateway;
  readonly pebble: Pebble;
  readonly httpPort: number;
  readonly tlsPort: number;
  /** The gateway's configuration, without ports. */
  readonly yaml: string;
}

/** Starts both, and ends both with the test. */
export async function acmeHouse(t: TestContext, options: AcmeHouseOptions): Promise<AcmeHouse> {
  const [httpPort, tlsPort] = [await freePort(), await freePort()];
  const pebble = await startPebble({ httpPort, tlsPort, ...options.pebble });
  t.after(() => pebble.stop());
  await options.prepare?.(pebble);
  const directory = options.through === undefined ? {} : await frontOf(t, pebble, options.through);
  const yaml = acmeYaml(pebble, { ...options, ...directory });
  const house = await startTestGateway({
    yaml,
    https: `127.0.0.1:${tlsPort}`,
    listen: `http: "127.0.0.1:${httpPort}"`,
    env: options.env ?? {},
  });
  t.after(() => house.close());
  return { house, pebble, httpPort, tlsPort, yaml };
}

/** Starts a front that clients trust as they trust the server. */
async function frontOf(
  t: TestContext,
  { directory, trustFile }: Pebble,
  setUp: (front: AcmeFront) => void,
): Promise<{ readonly directory: string }> {
  const ca = readFileSync(trustFile, 'utf8');
  const front = await startAcmeFront({ directory, ca });
  t.after(() => front.close());
  writeFileSync(trustFile, ca + front.ca);
  setUp(front);
  return { directory: front.directory };
}

/** Gives the configuration that orders from an ACME server and has a route for each name. */
export function acmeYaml(pebble: Pebble, options: Omit<AcmeHouseOptions, 'pebble'>): string {
  const { names, challenge, more, routes: further = [], before = [], directory = pebble.directory } = options;
  const fields = [
    `names: ${JSON.stringify(names)}`,
    'email: ops@example.com',
    `directory: ${JSON.stringify([...before, directory])}`,
    `trust: "${pebble.trustFile}"`,
    `challenge: ${challenge}`,
    ...(more === undefined ? [] : [more]),
  ];
  const routes = [...names, ...further].map(
    (host) => `  - { host: "${host}", upstream: "internal:whoami", public: true }`,
  );
  return `certificates: [{ acme: { ${fields.join(', ')} } }]\nroutes:\n${routes.join('\n')}\n`;
}

export interface Shaken {
  readonly failed: boolean;
  readonly peer: PeerCertificate | undefined;
}

/** Shakes hands as a client does that trusts one root and checks everything. */
export function handshake(port: number, serverName: string, root: string): Promise<Shaken> {
  return new Promise((resolve) => {
    const socket = connect({
      host: '127.0.0.1',
      port,
      servername: serverName,
      ca: root,
      ALPNProtocols: ['h2', 'http/1.1'],
    });
    socket.on('secureConnect', () => {
      resolve({ failed: false, peer: socket.getPeerCertificate() });
      socket.destroy();
    });
    socket.on('error', () => resolve({ failed: true, peer: undefined }));
    socket.on('close', () => resolve({ failed: true, peer: undefined }));
  });
}

/** Waits until a handshake with full verification succeeds. @returns the CA's root */
export async function waitForPair(
  port: number,
  serverName: string,
  pebble: Pebble,
  boundMs = 15_000,
): Promise<string> {
  const end = performance.now() + boundMs;
  const root = await pebble.root();
  while ((await handshake(port, serverName, root)).failed) {
    if (performance.now() > end)
      assert.fail(`no certificate for ${serverName}:\n${pebble.lines.slice(-15).join('\n')}`);
    await sleep(50);
  }
  return root;
}

/** Gives what the gateway says is wrong at the moment. */
export async function notes(house: TestGateway): Promise<readonly string[]> {
  const { body } = await house.call('GET', '/v1/readiness');
  const { notes: list } = body as { notes: readonly string[] };
  return list;
}

/** Waits for a note. @returns it */
export async function waitForNote(house: TestGateway, wanted: RegExp, boundMs = 10_000): Promise<string> {
  const end = performance.now() + boundMs;
  for (;;) {
    const note = (await notes(house)).find((one) => wanted.test(one));
    if (note !== undefined) return note;
    if (performance.now() > end) assert.fail(`no note like ${wanted}`);
    await sleep(50);
  }
}
