import type { TLSSocket } from 'node:tls';

/** How a handshake for a name ended. */
export interface HandshakeSample {
  /** As the client sent it. */
  readonly serverName: string;
  readonly address: string;
  /** Whether the client turned the certificate down, or had no cipher or signature in common with it. */
  readonly refused: boolean;
}

/** What clients say to a certificate that they do not take (RFC 8446 §6.2), and what OpenSSL says when it suits none of theirs. */
const REFUSALS =
  /ALERT_(UNKNOWN_CA|BAD_CERTIFICATE|CERTIFICATE_|UNSUPPORTED_CERTIFICATE|DECRYPT_ERROR)|NO_SHARED_CIPHER|NO_SUITABLE_SIGNATURE|NO_SHARED_SIGNATURE/;

/** Tells, of handshakes that named a host, whether the client took the certificate; of others, that ended for other reasons, nothing. */
export class HandshakeWatch {
  readonly #onSample: (sample: HandshakeSample) => void;
  readonly #asked = new WeakMap<TLSSocket, { readonly serverName: string; readonly address: string }>();

  constructor(onSample: (sample: HandshakeSample) => void) {
    this.#onSample = onSample;
  }

  /** Takes the name that a client asked for. */
  asked(socket: TLSSocket, serverName: string): void {
    this.#asked.set(socket, { serverName, address: socket.remoteAddress ?? '' });
  }

  done(socket: TLSSocket): void {
    const asked = this.#asked.get(socket);
    if (asked !== undefined) this.#onSample({ ...asked, refused: false });
  }

  failed(socket: TLSSocket, error: Error): void {
    const asked = this.#asked.get(socket);
    const code = 'code' in error ? String(error.code) : '';
    if (asked !== undefined && REFUSALS.test(code)) this.#onSample({ ...asked, refused: true });
  }
}
