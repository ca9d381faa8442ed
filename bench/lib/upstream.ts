import { chmodSync, mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { type Child, startChild } from './child.ts';
import { freePort } from './free-port.ts';
import { nginxFile } from './nginx-file.ts';
import { neededProgram } from './programs.ts';

/** Starts the service behind every gateway: nginx, plain HTTP, keep-alive, 1 KiB for every path, no log. */
export async function startNginxUpstream(
  folder: string,
): Promise<{ readonly port: number; readonly child: Child }> {
  const port = await freePort();
  const home = join(folder, 'upstream');
  mkdirSync(home);
  chmodSync(folder, 0o755);
  const body = 'x'.repeat(1024);
  writeFileSync(
    join(home, 'nginx.conf'),
    nginxFile(`
      access_log off;
      server {
        listen 127.0.0.1:${port};
        default_type text/plain;
        location / { return 200 "${body}"; }
      }`),
  );
  const child = await startChild({
    program: neededProgram('nginx'),
    args: ['-p', home, '-c', 'nginx.conf', '-e', 'error.log'],
    cwd: home,
    logFile: join(home, 'output.log'),
    port,
  });
  return { port, child };
}
