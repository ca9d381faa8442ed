import type { TLSSocket } from 'node:tls';
import type { HandshakeSample } from '../certificates/rotation/trials.ts';

/** What clients say to a certificate that they do not take (RFC 8446 §6.2), and what OpenSSL says when it suits none of theirs. */
const REFUSALS =
  /ALERT_(UNKNOWN_CA|BAD_CERTIFICATE|CERTIFICATE_|UNSUPPORTED_CERTIFICATE|DECRYPT_ERROR)|NO_SHARED_CIPHER|NO_SUITABLE_SIGNATURE|NO_SHARED_SIGNATURE/;

/** Tells of handshakes whether the client took the certificate that it was shown; of those that ended for other reasons, nothing. */
export class HandshakeWatch {
  readonly #onSample: (sample: HandshakeSample) => void;
  readonly #shown = new WeakMap<TLSSocket, Omit<HandshakeSample, 'refused'>>();

  constructor(onSample: (sample: HandshakeSample) => void) {
    this.#onSample = onSample;
  }

  /** Takes the name of the certificate that a client is shown. */
  shows(socket: TLSSocket, certificate: string): void {
    this.#shown.set(socket, { certificate, address: socket.remoteAddress ?? '' });
  }

  /** @param nameless - name of the certificate that clients are shown who name no host */
  done(socket: TLSSocket, nameless?: string): void {
    const shown = this.#shownTo(socket, nameless);
    if (shown !== undefined) this.#onSample({ ...shown, refused: false });
  }

  failed(socket: TLSSocket, error: Error, nameless?: string): void {
    const shown = this.#shownTo(socket, nameless);
    const code = 'code' in error ? String(error.code) : '';
    if (shown !== undefined && REFUSALS.test(code)) this.#onSample({ ...shown, refused: true });
  }

  #shownTo(socket: TLSSocket, nameless: string | undefined): Omit<HandshakeSample, 'refused'> | undefined {
    const shown = this.#shown.get(socket);
    if (shown !== undefined || nameless === undefined || socket.servername) return shown;
    return { certificate: nameless, address: socket.remoteAddress ?? '' };
  }
}
