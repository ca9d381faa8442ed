import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';

import { findProgram } from './provision-find.ts';
import { freePort } from './redis.ts';

export interface Nginx {
  readonly url: string;
  /** Folder whose files are served. */
  readonly root: string;
  close(): Promise<void>;
}

/**
 * Starts an nginx of its own in a temporary folder.
 *
 * @param server - further lines of its `server` block
 */
export async function startNginx(server = ''): Promise<Nginx> {
  const program = findProgram(process.env.SALLYPORT_TEST_NGINX ?? 'nginx');
  if (program === undefined) throw new Error('nginx is not installed');
  const folder = mkdtempSync(join(tmpdir(), 'sallyport-nginx-'));
  const root = join(folder, 'www');
  mkdirSync(root);
  const port = await freePort();
  writeFileSync(join(folder, 'nginx.conf'), configOf(folder, root, port, server));
  const child = spawn(
    program,
    ['-p', folder, '-e', join(folder, 'error.log'), '-c', join(folder, 'nginx.conf')],
    {
      stdio: 'ignore',
    },
  );
  await answering(port, child);
  return {
    url: `http://127.0.0.1:${port}`,
    root,
    async close() {
      const gone = once(child, 'exit');
      child.kill('SIGTERM');
      await gone;
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

function configOf(folder: string, root: string, port: number, server: string): string {
  const temporary = ['client_body', 'proxy', 'fastcgi', 'uwsgi', 'scgi']
    .map((name) => `${name}_temp_path ${folder}/${name};`)
    .join('\n  ');
  return `daemon off;
master_process off;
pid ${folder}/nginx.pid;
events { worker_connections 128; }
http {
  access_log off;
  ${temporary}
  server {
    listen 127.0.0.1:${port};
    root ${root};
    ${server}
  }
}
`;
}

async function answering(port: number, child: ChildProcess): Promise<void> {
  for (let i = 0; i < 200; i++) {
    if (child.exitCode !== null) throw new Error(`nginx ended with ${child.exitCode}`);
    const socket = connect({ host: '127.0.0.1', port });
    const up = await new Promise<boolean>((resolve) => {
      socket.once('connect', () => resolve(true));
      socket.once('error', () => resolve(false));
    });
    socket.destroy();
    if (up) return;
    await sleep(25);
  }
  throw new Error('nginx does not answer');
}
