import { mkdirSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { type Child, startChild } from './child.ts';
import { freePort } from './free-port.ts';
import type { Lab } from './lab.ts';
import type { Peer } from './peer.ts';

const MAIN = resolve(import.meta.dirname, '../../src/main.ts');

export interface SallyportOptions {
  readonly name: string;
  /** Further entries of `certificates`, YAML, two spaces deep. */
  readonly certificates?: string;
  /** Further entries of `routes`, YAML, two spaces deep. */
  readonly routes?: string;
  readonly readyMs?: number;
}

export interface RunningSallyport {
  readonly child: Child;
  readonly port: number;
}

/** Sallyport on one process: a public route, one that takes tokens and one that takes passwords. */
export const sallyport: Peer = async (lab) => {
  const { child, port } = await startSallyport(lab, { name: 'sallyport' });
  const lane = { pid: child.pid };
  return [
    { ...lane, name: 'sallyport public', url: `https://localhost:${port}/public/`, headers: {} },
    {
      ...lane,
      name: 'sallyport token ES256',
      url: `https://localhost:${port}/token/`,
      headers: { authorization: lab.tokens.es256.authorization },
    },
    {
      ...lane,
      name: 'sallyport basic',
      url: `https://localhost:${port}/basic/`,
      headers: { authorization: lab.basic },
    },
  ];
};

/** Starts a gateway with the routes of the measurement and whatever else is asked for; it stops with the lab. */
export async function startSallyport(lab: Lab, options: SallyportOptions): Promise<RunningSallyport> {
  const home = join(lab.folder, options.name);
  mkdirSync(home);
  writeFileSync(join(home, 'issuer.pub'), lab.tokens.es256.publicKey);
  const [port, adminPort] = [await freePort(), await freePort()];
  writeFileSync(join(home, 'sallyport.yaml'), configFile(lab, options, port, adminPort));
  const child = await startChild({
    program: process.execPath,
    args: [MAIN, 'start', '-c', join(home, 'sallyport.yaml')],
    cwd: home,
    logFile: join(home, 'output.log'),
    port,
    ...(options.readyMs === undefined ? {} : { readyMs: options.readyMs }),
  });
  lab.keep(child);
  return { child, port };
}

function configFile(lab: Lab, options: SallyportOptions, port: number, adminPort: number): string {
  const route = (path: string, rest: string): string =>
    `  - { host: localhost, path: ${path}, upstream: behind, ${rest} }`;
  return `listen:
  https: 127.0.0.1:${port}
  admin: 127.0.0.1:${adminPort}
  limits: { connectionsPerAddress: 0, keepAlive: 10m }
state: file:data/state.db
certificates:
  - name: site
    files: { certificate: ${lab.certificate.chain}, key: ${lab.certificate.key} }
${options.certificates ?? ''}
authenticate:
  token:
    - { issuer: https://issuer.test, audience: gateway, algorithms: [ES256], key: { file: issuer.pub } }
  basic: { realm: bench, htpasswd: ${lab.htpasswd} }
upstreams:
  behind: { targets: ["http://127.0.0.1:${lab.upstreamPort}"] }
routes:
${route('/public', 'public: true')}
${route('/token', 'accept: [token], allow: authenticated')}
${route('/basic', 'accept: [basic], allow: authenticated')}
${options.routes ?? ''}
`;
}
