import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { createServer, request, type Server } from 'node:https';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { TestContext } from 'node:test';
import Provider, { type ClientMetadata } from 'oidc-provider';
import { issueDevLeaf, loadOrMakeDevCa } from '../../src/certificates/dev-ca.ts';
import { systemClock } from '../../src/lib/clock.ts';

/** A user of the provider; changed in place, the provider says it from then on. */
export interface ProviderUser {
  email: string;
  emailVerified: boolean;
  groups: readonly string[];
}

/** An OpenID provider that others wrote, over https with a CA of its own. */
export interface RealProvider {
  readonly issuer: string;
  readonly ca: string;
  readonly caFile: string;
  readonly users: Map<string, ProviderUser>;
  /** Requests answered so far, `POST /token` and the like. */
  readonly calls: string[];
  /** Logout tokens that the provider sent, and where to. */
  readonly sent: { readonly url: string; readonly token: string }[];
  /** Ends every grant of a user: refresh tokens are worth nothing afterwards. */
  disable(user: string): void;
  /** From then on every connection is cut, or answered again. */
  goAway(isAway: boolean): void;
}

export interface RealProviderOptions {
  /** Authorities of the gateway, e.g. `app.test` and `localhost:8443`. */
  readonly authorities: readonly string[];
  readonly clientId?: string;
  /** Name of the provider in the configuration of the gateway. */
  readonly name?: string;
  /** Takes what the provider posts to the gateway; default: it is kept in `sent` only. */
  readonly post?: (url: string, body: string) => Promise<number>;
}

export const CLIENT_SECRET = 'a secret that only tests know, and long enough';

const SCOPES = 'openid offline_access email profile';

/** Starts a provider; the test's end stops it. */
export async function startRealProvider(t: TestContext, options: RealProviderOptions): Promise<RealProvider> {
  const folder = mkdtempSync(join(tmpdir(), 'provider-'));
  const ca = await loadOrMakeDevCa(folder, systemClock);
  const pair = await issueDevLeaf(ca, { names: ['localhost', '127.0.0.1'], keyType: 'ecdsa' });
  let listener: (req: IncomingMessage, res: ServerResponse) => void = (_req, res) => res.writeHead(503).end();
  const calls: string[] = [];
  let isAway = false;
  const server = createServer({ key: pair.key, cert: pair.certificate }, (req, res) => {
    calls.push(`${req.method} ${(req.url ?? '').split('?')[0]}`);
    if (isAway) req.socket.destroy();
    else listener(req, res);
  });
  const port = await listening(server);
  const issuer = `https://localhost:${port}`;
  const users = new Map<string, ProviderUser>();
  const sent: { url: string; token: string }[] = [];
  const disabled = new Set<string>();
  const provider = makeProvider({ issuer, users, sent, disabled, options });
  listener = (req, res) => {
    if ((req.url ?? '').startsWith('/interaction/')) void interact(provider, req, res);
    else void provider.callback()(req, res);
  };
  const caFile = join(folder, 'provider-ca.pem');
  writeFileSync(caFile, ca.certificate);
  t.after(async () => {
    server.closeAllConnections();
    await new Promise((done) => server.close(done));
    rmSync(folder, { recursive: true });
  });
  return {
    issuer,
    ca: ca.certificate,
    caFile,
    users,
    calls,
    sent,
    disable: (user) => disabled.add(user),
    goAway: (value) => {
      isAway = value;
    },
  };
}

interface Making {
  readonly issuer: string;
  readonly users: Map<string, ProviderUser>;
  readonly sent: { url: string; token: string }[];
  readonly disabled: Set<string>;
  readonly options: RealProviderOptions;
}

function makeProvider({ issuer, users, sent, disabled, options }: Making): Provider {
  const provider = new Provider(issuer, {
    clients: [clientOf(options)],
    claims: {
      openid: ['sub', 'groups'],
      email: ['email', 'email_verified'],
      profile: ['preferred_username'],
    },
    scopes: SCOPES.split(' '),
    // Claims of scopes are told by userinfo only, as the specification has it and many providers do.
    conformIdTokenClaims: true,
    rotateRefreshToken: true,
    features: {
      devInteractions: { enabled: false },
      backchannelLogout: { enabled: true },
      rpInitiatedLogout: { enabled: true, logoutSource: showForm },
    },
    pkce: { required: () => true },
    cookies: { keys: ['keys of cookies in tests'] },
    interactions: { url: (_ctx, { uid }) => `/interaction/${uid}` },
    ttl: { Session: 3600, Grant: 3600, AccessToken: 60, IdToken: 60, Interaction: 600, RefreshToken: 3600 },
    async findAccount(_ctx, id) {
      const user = users.get(id);
      if (user === undefined || disabled.has(id)) return undefined;
      const { email, emailVerified, groups } = user;
      const claims = {
        sub: id,
        preferred_username: id,
        email,
        email_verified: emailVerified,
        groups: [...groups],
      };
      return { accountId: id, claims: async () => claims };
    },
    async loadExistingGrant(ctx) {
      const { client, session } = ctx.oidc;
      if (client === undefined || session?.accountId === undefined) return undefined;
      const grant = new provider.Grant({ clientId: client.clientId, accountId: session.accountId });
      grant.addOIDCScope(SCOPES);
      await grant.save();
      return grant;
    },
    fetch: async (url, init) => {
      const body = String(init?.body ?? '');
      sent.push({ url: String(url), token: new URLSearchParams(body).get('logout_token') ?? '' });
      const status = await (options.post?.(String(url), body) ?? 200);
      return new Response(null, { status });
    },
  });
  return provider;
}

function clientOf({ authorities, clientId, name = 'corp' }: RealProviderOptions): ClientMetadata {
  return {
    client_id: clientId ?? 'sallyport',
    client_secret: CLIENT_SECRET,
    grant_types: ['authorization_code', 'refresh_token'],
    redirect_uris: authorities.map((authority) => `https://${authority}/.sallyport/callback/${name}`),
    post_logout_redirect_uris: authorities.map((authority) => `https://${authority}/.sallyport/sign-in`),
    backchannel_logout_uri: `https://${authorities[0]}/.sallyport/backchannel-logout/${name}`,
    backchannel_logout_session_required: true,
  };
}

function showForm(ctx: { body: unknown }, form: string): void {
  ctx.body = form;
}

/** The sign-in page of the provider: a form with a name; whoever is named is signed in. */
async function interact(provider: Provider, req: IncomingMessage, res: ServerResponse): Promise<void> {
  try {
    const { prompt, session, params } = await provider.interactionDetails(req, res);
    if (prompt.name === 'consent') {
      const grant = new provider.Grant({
        clientId: String(params.client_id),
        accountId: session?.accountId ?? '',
      });
      grant.addOIDCScope(SCOPES);
      await provider.interactionFinished(req, res, { consent: { grantId: await grant.save() } });
      return;
    }
    if (req.method !== 'POST') {
      res.writeHead(200, { 'content-type': 'text/html' });
      res.end(
        '<form method="post"><label>Name <input name="login" autofocus></label><button>Sign in</button></form>',
      );
      return;
    }
    const chunks: Buffer[] = [];
    for await (const chunk of req) chunks.push(chunk);
    const form = new URLSearchParams(Buffer.concat(chunks).toString());
    if (form.get('login') === 'nobody') {
      await provider.interactionFinished(req, res, { error: 'access_denied' });
      return;
    }
    await provider.interactionFinished(req, res, { login: { accountId: form.get('login') ?? '' } });
  } catch (error) {
    res.writeHead(500).end(String(error));
  }
}

function listening(server: Server): Promise<number> {
  return new Promise((resolve) => {
    server.listen(0, '127.0.0.1', () => {
      const address = server.address();
      resolve(typeof address === 'object' && address !== null ? (address satisfies AddressInfo).port : 0);
    });
  });
}

/** A person with a browser at a provider: keeps its cookies and follows redirects until one leads elsewhere. */
export class PersonAtProvider {
  readonly #provider: RealProvider;
  readonly #login: string;
  readonly #cookies = new Map<string, { readonly path: string; readonly pair: string }>();

  constructor(provider: RealProvider, login: string) {
    this.#provider = provider;
    this.#login = login;
  }

  /** Goes where the gateway sent the browser. @returns the address to which the provider sends it back */
  async visit(location: string): Promise<URL> {
    let url = new URL(location);
    let body: string | undefined;
    for (let steps = 0; steps < 16; steps++) {
      const answer = await this.#ask(url, body);
      body = undefined;
      if (answer.location !== undefined) {
        url = new URL(answer.location, url);
        if (url.origin !== new URL(this.#provider.issuer).origin) return url;
      } else if (url.pathname.startsWith('/interaction/')) {
        body = new URLSearchParams({ login: this.#login }).toString();
      } else if (answer.text.includes('name="xsrf"')) {
        const xsrf = /name="xsrf" value="([^"]+)"/.exec(answer.text)?.[1] ?? '';
        url = new URL('/session/end/confirm', url);
        body = new URLSearchParams({ xsrf, logout: 'yes' }).toString();
      } else throw new Error(`the provider answered ${answer.status}: ${answer.text.slice(0, 400)}`);
    }
    throw new Error('too many redirects');
  }

  #ask(
    url: URL,
    body: string | undefined,
  ): Promise<{ status: number; location: string | undefined; text: string }> {
    const cookie = [...this.#cookies.values()]
      .filter(({ path }) => url.pathname.startsWith(path))
      .map(({ pair }) => pair)
      .join('; ');
    return new Promise((resolve, reject) => {
      const call = request(
        url,
        {
          method: body === undefined ? 'GET' : 'POST',
          ca: this.#provider.ca,
          agent: false,
          headers: {
            cookie,
            ...(body === undefined ? {} : { 'content-type': 'application/x-www-form-urlencoded' }),
          },
        },
        async (answer) => {
          for (const line of answer.headers['set-cookie'] ?? []) this.#keep(line);
          let text = '';
          for await (const chunk of answer) text += chunk;
          resolve({ status: answer.statusCode ?? 0, location: answer.headers.location, text });
        },
      );
      call.on('error', reject);
      call.end(body);
    });
  }

  #keep(line: string): void {
    const [pair = '', ...attributes] = line.split(/; */);
    const path = attributes.find((one) => /^path=/i.test(one))?.slice(5) ?? '/';
    const name = `${pair.split('=', 1)[0]} ${path}`;
    if (/=$/.test(pair) || /expires=Thu, 01 Jan 1970/i.test(line)) this.#cookies.delete(name);
    else this.#cookies.set(name, { path, pair });
  }
}
