import { createHash, generateKeyPairSync, randomBytes, sign } from 'node:crypto';
import type { CreationOptions, RequestOptions } from '../../../src/second-factors/passkeys.ts';

const UP = 1;
const UV = 4;
const ATTESTED = 0x40;

/** What a test lets the authenticator or the browser say other than the truth. */
export interface Lies {
  readonly origin?: string;
  readonly rpId?: string;
  readonly challenge?: string;
  readonly counter?: number;
  readonly verified?: boolean;
  readonly type?: string;
  readonly userHandle?: string | undefined;
}

/** An authenticator in memory, ES256 without attestation (WebAuthn Level 2 §6). */
export class SoftwareKey {
  readonly #keys = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  readonly id = randomBytes(16).toString('base64url');
  handle = '';
  counter = 0;

  create(options: CreationOptions, origin: string, lies: Lies = {}): unknown {
    this.handle = options.user.id;
    const clientDataJSON = clientText('webauthn.create', options.challenge, origin, lies);
    const id = Buffer.from(this.id, 'base64url');
    const length = Buffer.alloc(2);
    length.writeUInt16BE(id.length);
    const authData = Buffer.concat([
      this.#head(lies.rpId ?? options.rp.id ?? '', lies, ATTESTED),
      Buffer.alloc(16),
      length,
      id,
      this.#coseKey(),
    ]);
    const attestationObject = Buffer.concat([
      Buffer.of(0xa3),
      text('fmt'),
      text('none'),
      text('attStmt'),
      Buffer.of(0xa0),
      text('authData'),
      bytes(authData),
    ]);
    return this.#answer({ clientDataJSON, attestationObject: attestationObject.toString('base64url') });
  }

  get(options: RequestOptions, origin: string, lies: Lies = {}): unknown {
    const clientDataJSON = clientText('webauthn.get', options.challenge, origin, lies);
    const authenticatorData = this.#head(lies.rpId ?? options.rpId ?? '', lies, 0);
    const signed = Buffer.concat([authenticatorData, sha256(Buffer.from(clientDataJSON, 'base64url'))]);
    return this.#answer({
      clientDataJSON,
      authenticatorData: authenticatorData.toString('base64url'),
      signature: sign('sha256', signed, this.#keys.privateKey).toString('base64url'),
      userHandle: 'userHandle' in lies ? lies.userHandle : this.handle,
    });
  }

  #answer(response: object): unknown {
    return { id: this.id, rawId: this.id, type: 'public-key', clientExtensionResults: {}, response };
  }

  #head(rpId: string, lies: Lies, flags: number): Buffer {
    const counter = Buffer.alloc(4);
    counter.writeUInt32BE(lies.counter ?? ++this.counter);
    const verified = lies.verified === false ? 0 : UV;
    return Buffer.concat([sha256(Buffer.from(rpId)), Buffer.of(UP | verified | flags), counter]);
  }

  /** RFC 9052 §7, RFC 9053 §7.1.1: {1: EC2, 3: ES256, -1: P-256, -2: x, -3: y} */
  #coseKey(): Buffer {
    const { x = '', y = '' } = this.#keys.publicKey.export({ format: 'jwk' });
    const point = (label: number, part: string) => [Buffer.of(label), bytes(Buffer.from(part, 'base64url'))];
    return Buffer.concat([
      Buffer.of(0xa5, 0x01, 0x02, 0x03, 0x26, 0x20, 0x01),
      ...point(0x21, x),
      ...point(0x22, y),
    ]);
  }
}

function clientText(type: string, challenge: string, origin: string, lies: Lies): string {
  const client = {
    type: lies.type ?? type,
    challenge: lies.challenge ?? challenge,
    origin: lies.origin ?? origin,
    crossOrigin: false,
  };
  return Buffer.from(JSON.stringify(client)).toString('base64url');
}

function sha256(data: Uint8Array): Buffer {
  return createHash('sha256').update(data).digest();
}

/** CBOR text and byte strings (RFC 8949 §3.1). */
function text(value: string): Buffer {
  return Buffer.concat([Buffer.of(0x60 + value.length), Buffer.from(value)]);
}

function bytes(value: Uint8Array): Buffer {
  return value.length < 24
    ? Buffer.concat([Buffer.of(0x40 + value.length), value])
    : Buffer.concat([Buffer.of(0x58, value.length), value]);
}
