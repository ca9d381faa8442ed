import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { startChild } from './child.ts';
import { freePort } from './free-port.ts';
import type { Lab } from './lab.ts';
import { nginxFile } from './nginx-file.ts';
import type { Peer } from './peer.ts';
import { optionalProgram } from './programs.ts';

/** nginx as TLS proxy: without authentication, and with `auth_basic` on an apr1 hash; two processes, so that each CPU time is its own. */
export const nginx: Peer = async (lab, say) => {
  const program = optionalProgram('nginx', say);
  if (program === undefined) return [];
  const plain = await start(lab, program, 'nginx-plain', '');
  const basic = await start(
    lab,
    program,
    'nginx-basic',
    `auth_basic bench; auth_basic_user_file ${lab.htpasswd};`,
  );
  return [
    { name: 'nginx plain', ...plain, headers: {} },
    { name: 'nginx auth_basic apr1', ...basic, headers: { authorization: lab.basic } },
  ];
};

async function start(
  lab: Lab,
  program: string,
  name: string,
  directives: string,
): Promise<{ pid: number; url: string }> {
  const port = await freePort();
  const home = join(lab.folder, name);
  mkdirSync(home);
  writeFileSync(
    join(home, 'nginx.conf'),
    nginxFile(`
      access_log access.log combined;
      upstream behind { server 127.0.0.1:${lab.upstreamPort}; keepalive 128; keepalive_requests 100000000; }
      server {
        listen 127.0.0.1:${port} ssl http2 backlog=4096;
        server_name localhost;
        ssl_certificate ${lab.certificate.chain};
        ssl_certificate_key ${lab.certificate.key};
        ssl_protocols TLSv1.3;
        location / {
          ${directives}
          proxy_pass http://behind;
          proxy_http_version 1.1;
          proxy_set_header Connection "";
          proxy_set_header Host $host;
          proxy_set_header X-Forwarded-For $remote_addr;
          proxy_set_header X-Forwarded-Proto https;
        }
      }`),
  );
  const child = await startChild({
    program,
    args: ['-p', home, '-c', 'nginx.conf', '-e', 'error.log'],
    cwd: home,
    logFile: join(home, 'output.log'),
    port,
  });
  lab.keep(child);
  return { pid: child.pid, url: `https://localhost:${port}/` };
}
