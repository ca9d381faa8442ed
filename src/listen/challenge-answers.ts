import type { IncomingMessage, ServerResponse } from 'node:http';
import type { SecureContext, TLSSocket } from 'node:tls';
import { canonicalHost, parseAuthority } from '../lib/canonical-host.ts';

/** The answers to an ACME server that checks our names, as the doors see them. No method throws or rejects. */
export interface ChallengeAnswers {
  /** Whether `httpAnswer` has to be asked for a canonical host and a token. */
  mayAnswer(host: string, token: string): boolean;
  httpAnswer(host: string, token: string): Promise<string | undefined>;
  /** Whether `alpnContext` has to be asked for a canonical host. */
  mayProve(host: string): boolean;
  alpnContext(host: string): Promise<SecureContext | undefined>;
}

/** Gives the answers of the running generation; `undefined` when nothing is ordered. */
export type Challenges = () => ChallengeAnswers | undefined;

/** Protocol of TLS-ALPN-01 (RFC 8737 §6.2). */
export const ACME_PROTOCOL = 'acme-tls/1';
const ACME_PATH = /^\/\.well-known\/acme-challenge\/([A-Za-z0-9_-]{16,128})$/;

/**
 * Answers a request of an ACME server on the plain port (RFC 8555 §8.3), and calls `otherwise` for every other one, unknown
 * tokens included.
 */
export function answerChallenge(
  req: IncomingMessage,
  res: ServerResponse,
  challenges: ChallengeAnswers | undefined,
  otherwise: () => void,
): void {
  const token = ACME_PATH.exec(req.url ?? '')?.[1];
  const [host = '', ...more] = req.headersDistinct.host ?? [];
  const target = more.length === 0 ? parseAuthority(host) : undefined;
  const asked = token !== undefined && (req.method === 'GET' || req.method === 'HEAD');
  if (!asked || target === undefined || challenges?.mayAnswer(target.host, token) !== true) {
    otherwise();
    return;
  }
  const give = (answer: string | undefined): void => {
    if (res.destroyed) return;
    if (answer === undefined) {
      otherwise();
      return;
    }
    res.shouldKeepAlive = false;
    const length = Buffer.byteLength(answer);
    res.writeHead(200, { 'content-type': 'application/octet-stream', 'content-length': length }).end(answer);
  };
  challenges.httpAnswer(target.host, token).then(give, () => give(undefined));
}

/**
 * Chooses the protocol of a handshake: HTTP/2, HTTP/1.1, or that of TLS-ALPN-01 for a client that offers nothing else and a
 * host whose certificate is ordered. What is chosen for a socket is remembered until its certificate is chosen.
 *
 * Security: never throws; what fits nothing ends in the alert `no_application_protocol` (RFC 7301 §3.2). A client of
 * TLS 1.2 cannot take part in TLS-ALPN-01 here: OpenSSL asks for its certificate before its protocol.
 */
export class ProtocolChoice {
  readonly #challenges: Challenges;
  readonly #challenged = new WeakMap<TLSSocket, string>();

  constructor(challenges: Challenges) {
    this.#challenges = challenges;
  }

  choose(socket: TLSSocket, serverName: string | undefined, offered: readonly string[]): string | undefined {
    if (offered.includes('h2')) return 'h2';
    if (offered.includes('http/1.1')) return 'http/1.1';
    if (offered.length !== 1 || offered[0] !== ACME_PROTOCOL) return undefined;
    const host = serverName === undefined ? undefined : canonicalHost(serverName);
    if (host === undefined || this.#challenges()?.mayProve(host) !== true) return undefined;
    if (socket.getProtocol() !== 'TLSv1.3') return undefined;
    this.#challenged.set(socket, host);
    return ACME_PROTOCOL;
  }

  /** Whether the socket's handshake is a challenge; then nothing but `contextOf` may answer it. */
  isChallenge(socket: TLSSocket): boolean {
    return this.#challenged.has(socket);
  }

  /** Gives the context for a challenge, `undefined` when nothing is to be proven for the host at present. */
  async contextOf(socket: TLSSocket): Promise<SecureContext | undefined> {
    const host = this.#challenged.get(socket);
    return host === undefined ? undefined : await this.#challenges()?.alpnContext(host);
  }
}
