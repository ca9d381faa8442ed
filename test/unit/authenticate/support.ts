import { generateKeyPairSync, type KeyObject, sign } from 'node:crypto';
import type { TokenIssuerConfig } from '../../../src/config/config.ts';
import { GatewayError } from '../../../src/errors.ts';
import type { Arrived, ExchangeRecord, MethodName, Routed } from '../../../src/exchange.ts';

/** What a test says of a request; the rest is plain. */
export interface Asked {
  readonly authorization?: string;
  readonly headers?: readonly string[];
  readonly address?: string;
}

export function arrivedWith(asked: Asked = {}): Arrived {
  const { authorization, headers, address = '192.0.2.1' } = asked;
  return {
    id: 'r1',
    startedAtMs: performance.now(),
    request: {
      method: 'GET',
      host: 'a.example',
      authority: 'a.example',
      path: '/',
      query: '',
      headers: headers ?? (authorization === undefined ? [] : ['authorization', authorization]),
      authorization,
      cookie: undefined,
      upgrade: undefined,
      contentLength: undefined,
    },
    client: {
      address,
      peer: address,
      port: 443,
      http: '1.1',
      serverName: 'a.example',
      tlsPolicy: 'p',
      tlsProtocol: 'TLSv1.3',
    },
    body: null,
    record: emptyRecord(),
    interim: () => {},
    onAbort: () => {},
  };
}

function emptyRecord(): ExchangeRecord {
  return {
    route: undefined,
    user: undefined,
    method: undefined,
    decision: undefined,
    reason: undefined,
    code: undefined,
    detail: undefined,
    upstream: undefined,
    upstreamMs: undefined,
    authenticateMs: undefined,
    retries: 0,
  };
}

export interface RouteSettings {
  readonly accept?: readonly MethodName[];
  readonly public?: boolean;
  readonly storeDown?: 'closed' | 'grace' | 'open-to-known';
}

export function routedWith(asked: Asked, settings: RouteSettings = {}): Routed {
  return {
    arrived: arrivedWith(asked),
    route: {
      id: 'a.example/',
      config: {
        id: 'a.example/',
        host: 'a.example',
        path: '/',
        upstream: 'u',
        public: settings.public ?? false,
        accept: settings.accept ?? ['token', 'basic'],
        clientCertificate: undefined,
        allow: 'authenticated',
        storeDown: settings.storeDown ?? 'grace',
        passCredential: false,
        stripPath: false,
        bodyBytes: 0,
        streamIdleMs: 0,
        audience: 'u',
        origins: 'same',
        secondFactor: 'not-asked',
        maxAgeMs: undefined,
        reauthMs: 0,
        cors: [],
        signIn: 'auto',
      },
    },
  };
}

/** An issuer as configured, with the parts that a test does not name. */
export function issuerConfig(
  parts: Partial<TokenIssuerConfig> & Pick<TokenIssuerConfig, 'keys'>,
): TokenIssuerConfig {
  return {
    issuer: 'https://issuer.test',
    audience: ['gateway'],
    algorithms: ['ES256'],
    user: 'sub',
    groups: 'groups',
    email: 'email',
    typ: undefined,
    clockToleranceSec: 5,
    maxAgeSec: undefined,
    requiredClaims: [],
    session: 'optional',
    ...parts,
  };
}

export const ecPair = () => generateKeyPairSync('ec', { namedCurve: 'P-256' });
export const rsaPair = (modulusLength = 2048) => generateKeyPairSync('rsa', { modulusLength });

export function pemOf(key: KeyObject): string {
  return key.export({ type: 'spki', format: 'pem' }).toString();
}

/** Gives base64url of a text, or of a value's JSON. */
export function encode(value: unknown): string {
  return Buffer.from(typeof value === 'string' ? value : JSON.stringify(value)).toString('base64url');
}

/** Signs any header and payload, also nonsense, as ES256 or RS256 would. */
export function forge(header: unknown, payload: unknown, key: KeyObject): string {
  const input = `${encode(header)}.${encode(payload)}`;
  const options = key.asymmetricKeyType === 'ec' ? ({ dsaEncoding: 'ieee-p1363' } as const) : {};
  return `${input}.${sign('sha256', Buffer.from(input), { key, ...options }).toString('base64url')}`;
}

export const nowSec = () => Math.floor(Date.now() / 1000);

/** Claims that the issuer of `issuerConfig` would write. */
export function goodClaims(more: Readonly<Record<string, unknown>> = {}): Record<string, unknown> {
  return {
    iss: 'https://issuer.test',
    aud: 'gateway',
    sub: 'alice',
    iat: nowSec(),
    exp: nowSec() + 300,
    jti: 'j1',
    ...more,
  };
}

/** Gives the `GatewayError` that the call throws or rejects with. */
export async function failureOf(call: () => unknown): Promise<GatewayError> {
  try {
    await call();
  } catch (error) {
    if (error instanceof GatewayError) return error;
    throw error;
  }
  throw new Error('the call succeeded');
}

/** Sessions as a map; the state is away while `away` is set. */
export class KnownSessions {
  readonly users = new Map<string, string>();
  readonly touched: string[] = [];
  away = false;
  asked = 0;

  async live(id: string): Promise<{ user: string; expiresAtSec: number } | undefined> {
    this.asked++;
    if (this.away) throw new GatewayError('SP_STATE_UNREACHABLE');
    const user = this.users.get(id);
    return user === undefined ? undefined : { user, expiresAtSec: nowSec() + 3600 };
  }

  touch(id: string): void {
    this.touched.push(id);
  }
}
