import { type Agent, request } from 'node:https';

export interface Question {
  readonly method?: string;
  readonly path?: string;
  readonly host?: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: string;
  /** Absent: a connection of its own. */
  readonly agent?: Agent;
}

export interface Reply {
  readonly status: number;
  readonly text: string;
  /** Fingerprint of the certificate that the connection was made with. */
  readonly fingerprint256: string | undefined;
}

/** Sends one request over real TLS and gives its answer. */
export function ask(
  house: { readonly port: number; readonly ca: string },
  question: Question = {},
): Promise<Reply> {
  const { method = 'GET', path = '/', host = 'localhost', headers = {}, body, agent } = question;
  return new Promise((resolve, reject) => {
    const call = request(
      {
        host: '127.0.0.1',
        port: house.port,
        servername: host,
        ca: house.ca,
        method,
        path,
        agent: agent ?? false,
        headers: { host, ...headers },
      },
      (answer) => {
        const { fingerprint256 } = fingerprintOf(answer.socket);
        let text = '';
        answer.setEncoding('utf8');
        answer.on('data', (chunk: string) => {
          text += chunk;
        });
        answer.on('error', reject);
        answer.on('end', () => resolve({ status: answer.statusCode ?? 0, text, fingerprint256 }));
      },
    );
    call.on('error', reject);
    call.end(body);
  });
}

/** Gives the value of `Authorization` for a name and a password. */
export function basic(name: string, password: string): { readonly authorization: string } {
  return { authorization: `Basic ${Buffer.from(`${name}:${password}`).toString('base64')}` };
}

/** Gets a token of the gateway's own for a name and a password. */
export async function tokenFor(
  house: { readonly port: number; readonly ca: string },
  name: string,
  password: string,
): Promise<{ readonly authorization: string; readonly token: string; readonly sessionId: string }> {
  const reply = await ask(house, {
    method: 'POST',
    path: '/.sallyport/token',
    headers: basic(name, password),
  });
  if (reply.status !== 200) throw new Error(`no token: ${reply.status} ${reply.text}`);
  const { access_token: token, session_id: sessionId } = JSON.parse(reply.text);
  return { authorization: `Bearer ${token}`, token, sessionId };
}

function fingerprintOf(socket: object): { readonly fingerprint256: string | undefined } {
  const read: unknown = Reflect.get(socket, 'getPeerCertificate');
  const certificate: unknown = typeof read === 'function' ? read.call(socket) : undefined;
  const value: unknown =
    typeof certificate === 'object' && certificate !== null
      ? Reflect.get(certificate, 'fingerprint256')
      : undefined;
  return { fingerprint256: typeof value === 'string' ? value : undefined };
}
