import { mkdtemp } from 'node:fs/promises';
import { request as httpsRequest } from 'node:https';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { connect } from 'node:tls';
import { type Admin, makeAdmin } from '../../../src/admin/admin.ts';
import type { GatewayView } from '../../../src/admin/view.ts';
import { issueDevLeaf, loadOrMakeDevCa } from '../../../src/certificates/dev-ca.ts';
import { GatewayError } from '../../../src/errors.ts';
import { systemClock } from '../../../src/lib/clock.ts';
import type { Logger } from '../../../src/lib/logger.ts';
import { Secret } from '../../../src/lib/secret.ts';
import type { AuditEntry } from '../../../src/observe/audit.ts';

export const TOKEN = 'a-token-of-the-admin-door-0123456789';

export interface Answer {
  readonly status: number;
  readonly headers: Readonly<Record<string, string | string[] | undefined>>;
  readonly text: string;
  readonly json: unknown;
}

export interface Call {
  readonly method?: string;
  readonly headers?: Readonly<Record<string, string | string[]>>;
  /** A string is sent as it is, anything else as JSON. */
  readonly body?: unknown;
  /** `null`: no Authorization at all. */
  readonly token?: string | null;
}

/** A listening admin API over a house that remembers what it was told. */
export interface AdminHouse {
  readonly calls: unknown[][];
  readonly logged: unknown[];
  readonly audited: AuditEntry[];
  readonly port: number;
  readonly ca: string;
  readonly admin: Admin;
  call(path: string, call?: Call): Promise<Answer>;
  /** Sends bytes as they are over TLS and gives everything that comes back. */
  raw(bytes: string): Promise<string>;
  close(): Promise<void>;
}

export async function openAdminHouse(hosts: readonly string[] = []): Promise<AdminHouse> {
  const folder = await mkdtemp(join(tmpdir(), 'sallyport-admin-'));
  const ca = await loadOrMakeDevCa(folder, systemClock);
  const leaf = await issueDevLeaf(ca, { names: ['localhost', '127.0.0.1'], keyType: 'ecdsa' });
  const calls: unknown[][] = [];
  const logged: unknown[] = [];
  const audited: AuditEntry[] = [];
  const note = (fields: object, message: string) => logged.push({ ...fields, message });
  const logger: Logger = { debug: note, info: note, warn: note, error: note };
  const admin = makeAdmin({ view: makeView(calls, audited), token: new Secret(TOKEN), hosts, logger });
  const url = await admin.listen(
    { kind: 'tcp', host: '127.0.0.1', port: 0 },
    { cert: leaf.certificate, key: leaf.key },
  );
  const port = Number(new URL(url).port);
  return {
    calls,
    logged,
    audited,
    port,
    ca: ca.certificate,
    admin,
    call: (path, call = {}) => send(port, ca.certificate, path, call),
    raw: (bytes) => sendRaw(port, ca.certificate, bytes),
    close: () => admin.close(),
  };
}

function send(port: number, ca: string, path: string, call: Call): Promise<Answer> {
  const { token = TOKEN, method = 'GET', body } = call;
  const payload = body === undefined || typeof body === 'string' ? body : JSON.stringify(body);
  const headers: Record<string, string | string[]> = {};
  if (token !== null) headers.authorization = `Bearer ${token}`;
  if (typeof payload === 'string') headers['content-type'] = 'application/json';
  Object.assign(headers, call.headers);
  return new Promise((resolve, reject) => {
    const request = httpsRequest(
      { host: '127.0.0.1', servername: 'localhost', port, ca, path, method, headers, agent: false },
      (response) => {
        const chunks: Buffer[] = [];
        response.on('data', (chunk: Buffer) => chunks.push(chunk));
        response.on('end', () => {
          const text = Buffer.concat(chunks).toString();
          const isJson = /json/.test(response.headers['content-type'] ?? '') && text !== '';
          const json: unknown = isJson ? JSON.parse(text) : undefined;
          resolve({ status: response.statusCode ?? 0, headers: response.headers, text, json });
        });
        response.on('error', reject);
      },
    );
    request.on('error', reject);
    request.end(payload);
  });
}

function sendRaw(port: number, ca: string, bytes: string): Promise<string> {
  return new Promise((resolve) => {
    const chunks: Buffer[] = [];
    const socket = connect({ host: '127.0.0.1', port, ca, servername: 'localhost' }, () =>
      socket.write(bytes),
    );
    const done = () => resolve(Buffer.concat(chunks).toString());
    socket.on('data', (chunk: Buffer) => chunks.push(chunk));
    socket.on('error', done);
    socket.on('close', done);
    socket.setTimeout(3000, () => socket.destroy());
  });
}

function makeView(calls: unknown[][], audited: AuditEntry[]): GatewayView {
  const rotation = {
    name: 'site',
    fingerprint256: 'AA:BB',
    previous: 'CC:DD',
    confirmedBy: ['1'],
    missing: [],
  };
  const account = { name: 'alice', groups: ['ops'], email: undefined, createdAtSec: 1, updatedAtSec: 2 };
  return {
    audit: {
      list: async (...words) => {
        calls.push(['audit', ...words]);
        return [];
      },
      record: (entry) => void audited.push(entry),
    },
    certificates: {
      list: () => [site],
      find: (name) => {
        if (name !== 'site') throw new GatewayError('SP_CERTIFICATE_UNKNOWN');
        return detail;
      },
      rotate: async (name, upload) => {
        calls.push(['rotate', name, upload]);
        if (name === 'bad') {
          const problems = ['the key does not belong to the certificate', 'the certificate expired'];
          throw new GatewayError('SP_CERTIFICATE_INVALID', { problems });
        }
        return rotation;
      },
      rollback: async (name) => {
        calls.push(['rollback', name]);
        return rotation;
      },
      remove: async (name) => {
        calls.push(['remove certificate', name]);
      },
    },
    accounts: {
      list: async () => [account],
      put: async (name, wanted) => {
        calls.push(['put', name, wanted]);
        if (name === 'broken') throw new Error('argon2 said hunter2-canary');
        return { ...account, name, groups: wanted.groups ?? [], passwordHash: 'hash-canary' };
      },
      remove: async (name) => {
        calls.push(['remove', name]);
        return name === 'alice';
      },
      resetSecondFactors: async (name) => name === 'alice',
    },
    apiKeys: {
      list: async () => [flatKey],
      create: async (order) => {
        calls.push(['createKey', order]);
        return { ...flatKey, key: 'sp_shown-once' };
      },
      revoke: async (id) => id === 'known',
    },
    sessions: {
      list: async (user) => {
        calls.push(['sessions', user]);
        return [];
      },
      revoke: async (id) => {
        calls.push(['revoke', id]);
        return id === 'known';
      },
      revokeAll: async (user) => {
        calls.push(['revokeAll', user]);
        return 3;
      },
    },
    revokeTokens: async (order) => {
      calls.push(['revokeTokens', order]);
    },
    streams: {
      list: () => [
        {
          id: 'x1',
          user: 'alice',
          sessionId: undefined,
          route: 'api.test/',
          kind: 'websocket',
          sinceSec: 7,
          bytes: 9,
        },
      ],
      cut: (id) => {
        calls.push(['cut', id]);
        return id === 'x1';
      },
    },
    routes: () => [
      {
        id: 'api.test/',
        host: 'api.test',
        path: '/',
        upstream: 'api',
        public: false,
        accept: ['token'],
        allow: { groups: ['ops'] },
      },
    ],
    upstreams: () => [
      { name: 'api', targets: [{ address: '10.0.0.1:80', healthy: true, active: 1, idle: 0 }] },
    ],
    metrics: async () => '# HELP x y\n',
    readiness: () => ({
      ready: false,
      generation: 4,
      state: { driver: 'embedded', up: true, sinceMs: 5 },
      notes: ['the last reload failed'],
    }),
    reload: async () => {
      calls.push(['reload']);
      return { generation: 5 };
    },
    issueToken: async (order) => {
      calls.push(['issueToken', order]);
      return {
        access_token: 'aaa.bbb.ccc',
        token_type: 'Bearer',
        expires_in: order.ttlSec,
        session_id: 's1',
      };
    },
  };
}

const site = {
  name: 'site',
  names: ['site.test'],
  notBefore: '2026-01-01T00:00:00Z',
  notAfter: '2027-01-01T00:00:00Z',
  fingerprint256: 'AA:BB',
  keyType: 'EC P-256',
  source: 'files',
  served: true,
  problems: [],
  previous: 'CC:DD',
  rotatedAt: undefined,
};

const detail = {
  ...site,
  subject: 'CN=site.test',
  issuer: 'CN=Middle',
  serialNumber: '0A1B',
  signature: 'ecdsa-with-SHA256',
  chain: ['site.test', 'Middle'].map((subject, at) => ({
    subject: `CN=${subject}`,
    issuer: at === 0 ? 'CN=Middle' : 'CN=Root',
    notAfter: '2027-01-01T00:00:00Z',
    fingerprint256: 'AA:BB',
  })),
};

const flatKey = {
  id: 'k1',
  name: 'backup',
  owner: 'alice',
  routes: ['a.example.com/v1'],
  methods: [],
  addresses: [],
  createdAtSec: 1,
  expiresAtSec: 61,
  lastUsedSec: undefined,
  lastAddress: undefined,
};
