import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { startChild } from './child.ts';
import { freePort } from './free-port.ts';
import type { Lab } from './lab.ts';
import type { Lane, Peer } from './peer.ts';
import { optionalProgram } from './programs.ts';

/** haproxy as TLS proxy: without authentication, and verifying an RS256 token on each request. */
export const haproxy: Peer = async (lab, say) => {
  const program = optionalProgram('haproxy', say);
  if (program === undefined) return [];
  const lanes: Lane[] = [
    { name: 'haproxy plain', ...(await start(lab, program, 'haproxy-plain', '')), headers: {} },
  ];
  const { authorization, publicKey } = lab.tokens.rs256;
  const keyFile = join(lab.folder, 'rs256.pub');
  writeFileSync(keyFile, publicKey);
  const verify = `
  http-request set-var(txn.bearer) http_auth_bearer
  http-request set-var(txn.alg) var(txn.bearer),jwt_header_query('$.alg')
  http-request deny unless { var(txn.alg) -m str RS256 }
  http-request deny unless { var(txn.bearer),jwt_verify(txn.alg,"${keyFile}") -m int 1 }`;
  try {
    const token = await start(lab, program, 'haproxy-rs256', verify);
    lanes.push({ name: 'haproxy jwt RS256', ...token, headers: { authorization } });
  } catch {
    say('This haproxy does not know jwt_verify, going on without it (needs 2.5 or newer).');
  }
  return lanes;
};

async function start(
  lab: Lab,
  program: string,
  name: string,
  rules: string,
): Promise<{ pid: number; url: string }> {
  const port = await freePort();
  const home = join(lab.folder, name);
  mkdirSync(home);
  writeFileSync(
    join(home, 'haproxy.cfg'),
    `global
  nbthread 1
  maxconn 4000
  log stdout format raw local0
defaults
  mode http
  log global
  option httplog
  timeout connect 5s
  timeout client 300s
  timeout server 300s
  http-reuse always
frontend door
  bind 127.0.0.1:${port} ssl crt ${lab.certificate.bundle} alpn h2,http/1.1 ssl-min-ver TLSv1.3 backlog 4096
  option forwardfor${rules}
  default_backend behind
backend behind
  server one 127.0.0.1:${lab.upstreamPort}
`,
  );
  const child = await startChild({
    program,
    args: ['-db', '-f', 'haproxy.cfg'],
    cwd: home,
    logFile: join(home, 'access.log'),
    port,
  });
  lab.keep(child);
  return { pid: child.pid, url: `https://localhost:${port}/` };
}
