import type { KeyObject } from 'node:crypto';
import type { Clock } from '../../lib/clock.ts';
import { JsonFields } from '../../lib/json-fields.ts';
import { AcmeError } from './acme-error.ts';
import { bindExternally, type ExternalAccount, jwkOf, signMessage } from './jws.ts';
import { problemOf } from './problem-document.ts';
import type { Reply, Wire } from './wire.ts';

/** Where an ACME server takes what (RFC 8555 §7.1.1). */
export interface Directory {
  readonly newNonce: string;
  readonly newAccount: string;
  readonly newOrder: string;
  /** `undefined` when the CA gives no renewal hints (RFC 9773). */
  readonly renewalInfo: string | undefined;
}

/** What an account is opened with. */
export interface AccountTerms {
  /** Where the CA may write to. */
  readonly email: string | undefined;
  /** The account at the CA's operator that it is bound to (RFC 8555 §7.3.4). */
  readonly external: ExternalAccount | undefined;
}

/** How often one message is sent again because its nonce was refused. */
const NONCE_TRIES = 8;
const MOST_NONCES = 16;
/** With these a CA refuses an account at its operator, or the lack of one (RFC 8555 §7.3.4). */
const EXTERNAL_TYPES = new Set(['externalAccountRequired', 'unauthorized', 'malformed']);

/** Gives a failure for an answer that is not what RFC 8555 promises. */
export function malformed(why: string): AcmeError {
  return new AcmeError({ reason: 'malformed', detail: `the CA answered with something unexpected: ${why}` });
}

/** Gives the fields of an answer. @throws AcmeError `malformed` */
export function fieldsOf(reply: Reply): JsonFields {
  return new JsonFields(reply.body, malformed);
}

/**
 * Gives an unsigned resource, as the directory and renewal hints are.
 *
 * @param what - names it when it is refused
 * @throws AcmeError for every answer that is not 200
 */
export async function getResource(
  wire: Pick<Wire, 'ask'>,
  url: string,
  what: string,
  clock: Clock,
): Promise<Reply> {
  const reply = await wire.ask({ method: 'GET', url });
  if (reply.status !== 200) throw problemOf(reply, clock(), what);
  return reply;
}

/** Gives the directory at an address. @throws AcmeError */
export async function readDirectory(wire: Wire, url: string, clock: Clock): Promise<Directory> {
  const fields = fieldsOf(await getResource(wire, url, 'the directory', clock));
  return {
    newNonce: fields.text('newNonce'),
    newAccount: fields.text('newAccount'),
    newOrder: fields.text('newOrder'),
    renewalInfo: fields.optionalText('renewalInfo'),
  };
}

/** Speaks with one ACME server under one account key: nonces, signatures, refusals. */
export class AcmeConnection {
  readonly directory: Directory;
  readonly key: KeyObject;
  readonly clock: Clock;
  readonly #wire: Wire;
  readonly #nonces: string[] = [];
  #account: string | undefined;

  constructor(parts: {
    readonly wire: Wire;
    readonly directory: Directory;
    readonly key: KeyObject;
    readonly clock: Clock;
  }) {
    this.#wire = parts.wire;
    this.directory = parts.directory;
    this.key = parts.key;
    this.clock = parts.clock;
  }

  /** Makes the account of the key, or finds it when there is one (RFC 8555 §7.3); agrees to the CA's terms. @throws AcmeError */
  async openAccount({ email, external }: AccountTerms): Promise<void> {
    const { newAccount } = this.directory;
    const payload = {
      termsOfServiceAgreed: true,
      ...(email === undefined ? {} : { contact: [`mailto:${email}`] }),
      ...(external === undefined
        ? {}
        : { externalAccountBinding: bindExternally(external, jwkOf(this.key), newAccount) }),
    };
    try {
      this.#account = locationOf(await this.post(newAccount, payload, { what: 'the account' }));
    } catch (error) {
      throw error instanceof AcmeError ? aboutExternal(error, external) : error;
    }
  }

  /**
   * Posts a signed message, `undefined` for POST-as-GET. A refused nonce is replaced and the message sent again, at most 8 times.
   *
   * @throws AcmeError for every answer that is not 2xx
   */
  async post(
    url: string,
    payload: object | undefined,
    { what, accept }: { readonly what: string; readonly accept?: string },
  ): Promise<Reply> {
    const text = payload === undefined ? '' : JSON.stringify(payload);
    for (let tries = 1; ; tries++) {
      const nonce = this.#nonces.pop() ?? (await this.#newNonce());
      const identity = this.#account === undefined ? { jwk: jwkOf(this.key) } : { kid: this.#account };
      const body = signMessage(this.key, { ...identity, nonce, url }, text);
      const ask = { method: 'POST' as const, url, body };
      const reply = await this.#wire.ask(accept === undefined ? ask : { ...ask, accept });
      this.#keepNonce(reply);
      if (reply.status >= 200 && reply.status < 300) return reply;
      const problem = problemOf(reply, this.clock(), what);
      if (problem.type !== 'badNonce' || tries >= NONCE_TRIES) throw problem;
    }
  }

  async #newNonce(): Promise<string> {
    const reply = await this.#wire.ask({ method: 'HEAD', url: this.directory.newNonce });
    if (reply.status >= 400) throw problemOf(reply, this.clock(), 'a nonce');
    this.#keepNonce(reply);
    const nonce = this.#nonces.pop();
    if (nonce === undefined) throw malformed('no nonce');
    return nonce;
  }

  #keepNonce({ headers }: Reply): void {
    const nonce = headers['replay-nonce'];
    if (typeof nonce !== 'string' || !/^[A-Za-z0-9_-]{1,256}$/.test(nonce)) return;
    if (this.#nonces.length < MOST_NONCES) this.#nonces.push(nonce);
  }
}

/** Gives a refusal of an account with what to look at: the CA's words for a wrong key are those of its library. */
function aboutExternal(error: AcmeError, external: ExternalAccount | undefined): AcmeError {
  if (!EXTERNAL_TYPES.has(error.type ?? '')) return error;
  if (external === undefined && error.type !== 'externalAccountRequired') return error;
  const hint =
    external === undefined
      ? 'the certificate needs `eab`, an account at the CA’s operator'
      : `check \`eab\`: its \`key\` and its \`kid\` ${external.kid} have to be those that the CA’s operator gave`;
  const { reason, type, retryAfterMs, detail } = error;
  return new AcmeError({ reason, type, retryAfterMs, detail: `${detail}; ${hint}`, cause: error });
}

/** Gives the address of what was made. @throws AcmeError `malformed` when there is none */
export function locationOf({ headers }: Reply): string {
  const { location } = headers;
  if (location === undefined) throw malformed('no location');
  return location;
}
