import assert from 'node:assert/strict';
import { generateKeyPairSync } from 'node:crypto';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import forge from 'node-forge';
import { freePort, type RedisServer, sendCommand, startRedis } from './redis.ts';

/** Answers TLS on the port of `url`, which names the CA, and plain TCP on another one for `command`. */
export interface TlsRedis {
  readonly url: string;
  readonly server: RedisServer;
  command(...words: readonly string[]): Promise<string>;
  stop(): Promise<void>;
}

/** Starts a Redis with a certificate for `localhost` under a CA of its own. */
export async function startTlsRedis(): Promise<TlsRedis> {
  const folder = mkdtempSync(join(tmpdir(), 'sallyport-redis-tls-'));
  const pair = selfSigned();
  const caFile = join(folder, 'ca.pem');
  const keyFile = join(folder, 'key.pem');
  writeFileSync(caFile, pair.certificate);
  writeFileSync(keyFile, pair.key, { mode: 0o600 });
  const plainPort = await freePort();
  const server = await startRedis({
    plain: false,
    args: ({ port }) => [
      ...['--port', String(plainPort), '--tls-port', String(port), '--tls-auth-clients', 'no'],
      ...['--tls-cert-file', caFile, '--tls-key-file', keyFile, '--tls-ca-cert-file', caFile],
    ],
  });
  return {
    url: `rediss://localhost:${server.port}/?ca=${encodeURIComponent(caFile)}`,
    server,
    command: (...words) => sendCommand(plainPort, words),
    async stop() {
      await server.stop();
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

/** A Cluster of one node that serves every slot. */
export async function startRedisCluster(): Promise<RedisServer> {
  const server = await startRedis({
    args: () => ['--cluster-enabled', 'yes', '--cluster-announce-ip', '127.0.0.1'],
  });
  await server.command('CLUSTER', 'ADDSLOTSRANGE', '0', '16383');
  while (!(await server.command('CLUSTER', 'INFO')).includes('cluster_state:ok')) await sleep(20);
  return server;
}

export interface SentinelRedis {
  /** For the store. */
  readonly url: string;
  readonly master: RedisServer;
  /** Waits until the replica has everything that the master has. */
  replicated(): Promise<void>;
  stop(): Promise<void>;
}

/** Starts a master, a replica, and a Sentinel that watches them under the name `house` and fails over within some seconds. */
export async function startRedisSentinel(): Promise<SentinelRedis> {
  const master = await startRedis({ args: () => ['--repl-diskless-sync-delay', '0'] });
  const replica = await startRedis({ args: () => ['--replicaof', '127.0.0.1', String(master.port)] });
  const sentinel = await startRedis({
    readyLine: '+monitor',
    sentinel: [
      `sentinel monitor house 127.0.0.1 ${master.port} 1`,
      'sentinel down-after-milliseconds house 400',
      'sentinel failover-timeout house 3000',
    ],
  });
  while (!(await sentinel.command('SENTINEL', 'REPLICAS', 'house')).includes(String(replica.port)))
    await sleep(50);
  return {
    url: `redis+sentinel://127.0.0.1:${sentinel.port}/house`,
    master,
    async replicated() {
      assert.equal(await master.command('WAIT', '1', '2000'), '1');
    },
    async stop() {
      await Promise.all([sentinel.stop(), replica.stop(), master.stop()]);
    },
  };
}

function selfSigned(): { certificate: string; key: string } {
  const pair = generateKeyPairSync('rsa', {
    modulusLength: 2048,
    publicKeyEncoding: { type: 'spki', format: 'pem' },
    privateKeyEncoding: { type: 'pkcs8', format: 'pem' },
  });
  const certificate = forge.pki.createCertificate();
  certificate.publicKey = forge.pki.publicKeyFromPem(pair.publicKey);
  certificate.serialNumber = '01';
  certificate.validity.notBefore = new Date(Date.now() - 60_000);
  certificate.validity.notAfter = new Date(Date.now() + 3_600_000);
  const name = [{ name: 'commonName', value: 'localhost' }];
  certificate.setSubject(name);
  certificate.setIssuer(name);
  certificate.setExtensions([
    { name: 'basicConstraints', cA: true },
    { name: 'subjectAltName', altNames: [{ type: 2, value: 'localhost' }] },
  ]);
  certificate.sign(forge.pki.privateKeyFromPem(pair.privateKey), forge.md.sha256.create());
  return { certificate: forge.pki.certificateToPem(certificate), key: pair.privateKey };
}
