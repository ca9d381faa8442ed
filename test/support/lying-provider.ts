import { createHmac, generateKeyPairSync, type KeyObject, sign } from 'node:crypto';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { TestContext } from 'node:test';

/** What a liar answers at one address instead of the truth: JSON, or anything with a status of its own, or silence. */
export type Answer =
  | object
  | { readonly status: number; readonly text: string; readonly type?: string }
  | 'silence';

/** A provider that says the truth until it is told a lie to tell. */
export interface LyingProvider {
  readonly issuer: string;
  /** What is answered instead, by path. */
  readonly answers: Map<string, Answer>;
  /** Claims of the ID token that differ; `undefined` leaves one out. */
  claims: Record<string, unknown>;
  /** Fields of the answer of the token endpoint that differ. */
  fields: Record<string, unknown>;
  /** Signs a JWT as the provider would, or as the header says. */
  jwt(claims: Record<string, unknown>, header?: Record<string, unknown>): string;
  /** How ID tokens are made; default `jwt`. */
  idToken: (claims: Record<string, unknown>) => string;
  /** Signs whoever is there in. @returns the query of the callback */
  authorize(location: string): URLSearchParams;
  /** Forms that the token endpoint was sent. */
  readonly redeemed: URLSearchParams[];
  readonly calls: string[];
}

/** Starts a liar on this machine, over http; the test's end stops it. */
export async function startLyingProvider(t: TestContext): Promise<LyingProvider> {
  const { privateKey, publicKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  const jwk = { ...publicKey.export({ format: 'jwk' }), kid: 'k1', alg: 'ES256', use: 'sig' };
  const answers = new Map<string, Answer>();
  const redeemed: URLSearchParams[] = [];
  const calls: string[] = [];
  let nonce = '';
  const server = createServer((req, res) => void answer(req, res));
  await new Promise<void>((done) => server.listen(0, '127.0.0.1', done));
  const address = server.address();
  const issuer = `http://127.0.0.1:${typeof address === 'object' && address !== null ? address.port : 0}`;
  t.after(() => {
    server.closeAllConnections();
    server.close();
  });

  const liar: LyingProvider = {
    issuer,
    answers,
    claims: {},
    fields: {},
    redeemed,
    calls,
    jwt: (claims, header) => makeJwt(claims, { alg: 'ES256', kid: 'k1', ...header }, privateKey),
    idToken: (claims) => liar.jwt(claims),
    authorize(location) {
      const asked = new URL(location).searchParams;
      nonce = asked.get('nonce') ?? '';
      return new URLSearchParams({ code: 'the-code', state: asked.get('state') ?? '', iss: issuer });
    },
  };

  async function answer(req: IncomingMessage, res: ServerResponse): Promise<void> {
    const path = (req.url ?? '').split('?')[0] ?? '';
    calls.push(path);
    const chunks: Buffer[] = [];
    for await (const chunk of req) chunks.push(chunk);
    if (path === '/token') redeemed.push(new URLSearchParams(Buffer.concat(chunks).toString()));
    const said = answers.get(path) ?? truth(path);
    if (said === 'silence') return;
    const plain = 'status' in said && 'text' in said ? said : undefined;
    const type = plain !== undefined && 'type' in plain ? String(plain.type) : 'application/json';
    res.writeHead(plain === undefined ? 200 : Number(plain.status), { 'content-type': type });
    res.end(plain === undefined ? JSON.stringify(said) : String(plain.text));
  }

  function truth(path: string): Answer {
    const nowSec = Math.floor(Date.now() / 1000);
    switch (path) {
      case '/.well-known/openid-configuration':
        return metadata(issuer);
      case '/jwks':
        return { keys: [jwk] };
      case '/token': {
        const honest = { iss: issuer, aud: 'sallyport', sub: 'alice', nonce, iat: nowSec, exp: nowSec + 60 };
        const facts = { groups: ['ops'], email: 'alice@corp.test', email_verified: true };
        const id_token = liar.idToken({ ...honest, ...facts, ...liar.claims });
        return { access_token: 'at', token_type: 'Bearer', expires_in: 60, id_token, ...liar.fields };
      }
      default:
        return { status: 404, text: 'nothing here', type: 'text/plain' };
    }
  }
  return liar;
}

/** Metadata of an honest provider that signs with ES256. */
export function metadata(issuer: string): Record<string, unknown> {
  return {
    issuer,
    authorization_endpoint: `${issuer}/authorize`,
    token_endpoint: `${issuer}/token`,
    jwks_uri: `${issuer}/jwks`,
    response_types_supported: ['code'],
    subject_types_supported: ['public'],
    id_token_signing_alg_values_supported: ['ES256', 'HS256', 'none'],
    authorization_response_iss_parameter_supported: true,
  };
}

/** Makes a JWT with whatever signature its header promises; with `none`, none. */
export function makeJwt(
  claims: Record<string, unknown>,
  header: Record<string, unknown>,
  key: KeyObject | string,
): string {
  const part = (value: object) => Buffer.from(JSON.stringify(value)).toString('base64url');
  const signed = `${part(header)}.${part(claims)}`;
  if (/^none$/i.test(String(header.alg))) return `${signed}.`;
  const signature =
    typeof key === 'string'
      ? createHmac('sha256', key).update(signed).digest()
      : sign('sha256', Buffer.from(signed), { key, dsaEncoding: 'ieee-p1363' });
  return `${signed}.${signature.toString('base64url')}`;
}
