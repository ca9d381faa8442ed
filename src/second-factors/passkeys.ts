import { createHash } from 'node:crypto';
import {
  generateAuthenticationOptions,
  generateRegistrationOptions,
  type PublicKeyCredentialCreationOptionsJSON,
  type PublicKeyCredentialRequestOptionsJSON,
  verifyAuthenticationResponse,
  verifyRegistrationResponse,
} from '@simplewebauthn/server';
import { GatewayError } from '../errors.ts';
import type { Clock } from '../lib/clock.ts';
import type { Logger } from '../lib/logger.ts';
import type { Records } from '../state/store.ts';
import { authenticationAnswer, registrationAnswer } from './browser-answer.ts';
import { type Ceremony, Challenges } from './challenges.ts';
import { checkName, demandRoom } from './check-name.ts';
import { totpView } from './code-factors.ts';
import type { PasskeyRecord } from './factor-record.ts';
import type { FactorShelf } from './factor-shelf.ts';
import type { Enrolled, FactorAttempt, FactorUser, PasskeyView, Site } from './factors.ts';
import { type FactorFailures, guarded } from './guard.ts';
import { withRecovery } from './with-recovery.ts';

export type CreationOptions = PublicKeyCredentialCreationOptionsJSON;
export type RequestOptions = PublicKeyCredentialRequestOptionsJSON;

export interface PasskeysOptions {
  readonly shelf: FactorShelf;
  readonly records: Records;
  readonly failures: FactorFailures;
  readonly clock: Clock;
  readonly logger: Logger;
  /** Name of the gateway that browsers show. */
  readonly issuer: string;
}

const MAX_PASSKEYS = 20;
const TIMEOUT_MS = 5 * 60 * 1000;
/** EdDSA, ES256 and RS256 (RFC 9053 §2, RFC 8812 §2): every authenticator has one of them. */
const ALGORITHMS = [-8, -7, -257];

/**
 * Passkeys (Web Authentication Level 2). Each works at the host for which it was made, and verifies its user there by
 * PIN or biometrics, so that one alone is two factors.
 *
 * Security: origin and host of an answer must be those of the request that brings it, and its challenge one that was
 * given out for the same purpose and user, once.
 */
export class Passkeys {
  readonly #options: PasskeysOptions;
  readonly #challenges: Challenges;

  constructor(options: PasskeysOptions) {
    this.#options = options;
    this.#challenges = new Challenges(options.records);
  }

  /**
   * Begins to add a passkey: gives the options for `navigator.credentials.create()`.
   * @throws SP_ADMIN_BAD_REQUEST for a name of no use, or too many passkeys
   */
  async beginAdd(owner: FactorUser, site: Site, name: string): Promise<CreationOptions> {
    const known = await this.#options.shelf.change(owner, (record) => {
      demandRoom(record.passkeys.length, MAX_PASSKEYS);
      return { next: record, result: record };
    });
    if (known === undefined) throw new GatewayError('SP_INTERNAL');
    const ceremony: Ceremony = { purpose: 'add', user: owner.user, rpId: site.rpId, name: checkName(name) };
    return generateRegistrationOptions({
      rpName: this.#options.issuer,
      rpID: site.rpId,
      userName: owner.user,
      userDisplayName: owner.user,
      userID: new Uint8Array(Buffer.from(known.handle, 'base64url')),
      challenge: new Uint8Array(Buffer.from(await this.#challenges.give(ceremony), 'base64url')),
      timeout: TIMEOUT_MS,
      attestationType: 'none',
      excludeCredentials: descriptors(known.passkeys, site),
      authenticatorSelection: { residentKey: 'required', userVerification: 'required' },
      supportedAlgorithmIDs: ALGORITHMS,
    });
  }

  /** Adds the passkey that a browser made. @returns `undefined` when its answer is not accepted */
  async finishAdd(user: string, site: Site, answer: unknown): Promise<Enrolled<PasskeyView> | undefined> {
    const response = registrationAnswer(answer);
    if (response === undefined) return undefined;
    const taken: Ceremony[] = [];
    const made = await this.#judged(() =>
      verifyRegistrationResponse({
        response,
        expectedChallenge: (challenge) => this.#isOurs(challenge, { purpose: 'add', user, site }, taken),
        expectedOrigin: site.origin,
        expectedRPID: site.rpId,
        requireUserVerification: true,
        supportedAlgorithmIDs: ALGORITHMS,
      }),
    );
    if (made?.registrationInfo === undefined) return undefined;
    const { credential, credentialBackedUp } = made.registrationInfo;
    const passkey: PasskeyRecord = {
      id: credential.id,
      name: taken[0]?.name ?? '',
      rpId: site.rpId,
      publicKey: Buffer.from(credential.publicKey).toString('base64url'),
      counter: credential.counter,
      transports: response.response.transports ?? [],
      backedUp: credentialBackedUp,
      createdAtMs: this.#options.clock(),
      lastUsedMs: undefined,
    };
    return this.#keep(user, passkey);
  }

  /**
   * Begins a sign-in or step-up: gives the options for `navigator.credentials.get()`.
   * @param user - who steps up; `undefined`: a passkey that the person chooses says who they are
   * @returns `undefined` when this user has no passkey at this host
   */
  async beginUse(site: Site, user: string | undefined): Promise<RequestOptions | undefined> {
    const passkeys = user === undefined ? [] : (await this.#options.shelf.read(user))?.passkeys;
    const allowed = descriptors(passkeys ?? [], site);
    if (user !== undefined && allowed.length === 0) return undefined;
    const purpose = user === undefined ? 'sign-in' : 'step-up';
    const challenge = await this.#challenges.give({ purpose, user: user ?? '', rpId: site.rpId, name: '' });
    return generateAuthenticationOptions({
      rpID: site.rpId,
      challenge: new Uint8Array(Buffer.from(challenge, 'base64url')),
      timeout: TIMEOUT_MS,
      userVerification: 'required',
      ...(allowed.length > 0 && { allowCredentials: allowed }),
    });
  }

  /** Tells whether a browser's answer proves this user, who is signed in already. @throws SP_AUTHENTICATE_THROTTLED */
  async stepUp(attempt: FactorAttempt, site: Site, answer: unknown): Promise<boolean> {
    const proved = await guarded(this.#options.failures, attempt, () =>
      this.#use({ purpose: 'step-up', user: attempt.user, site }, attempt.user, answer),
    );
    return proved !== undefined;
  }

  /**
   * Gives whom a browser's answer proves, where a passkey is the whole sign-in.
   * @throws SP_AUTHENTICATE_THROTTLED
   */
  signIn(address: string, site: Site, answer: unknown): Promise<FactorUser | undefined> {
    return guarded(this.#options.failures, { user: undefined, address }, async () => {
      const id = authenticationAnswer(answer)?.id;
      const pointer = id === undefined ? undefined : await this.#options.records.get(pointerKey(id));
      if (pointer === undefined) return undefined;
      const user = Buffer.from(pointer.value).toString();
      return this.#use({ purpose: 'sign-in', user: '', site }, user, answer);
    });
  }

  async #use(expected: Expected, user: string, answer: unknown): Promise<FactorUser | undefined> {
    const response = authenticationAnswer(answer);
    const record = await this.#options.shelf.read(user);
    const passkey = record?.passkeys.find(({ id }) => id === response?.id);
    if (response === undefined || record === undefined || passkey === undefined) return undefined;
    const { site, purpose } = expected;
    const { userHandle } = response.response;
    if (passkey.rpId !== site.rpId) return undefined;
    if (userHandle === undefined ? purpose === 'sign-in' : userHandle !== record.handle) return undefined;
    const made = await this.#judged(() =>
      verifyAuthenticationResponse({
        response,
        expectedChallenge: (challenge) => this.#isOurs(challenge, expected, []),
        expectedOrigin: site.origin,
        expectedRPID: site.rpId,
        requireUserVerification: true,
        credential: {
          id: passkey.id,
          publicKey: new Uint8Array(Buffer.from(passkey.publicKey, 'base64url')),
          counter: passkey.counter,
        },
      }),
    );
    if (made?.verified !== true) return undefined;
    const { newCounter, credentialBackedUp } = made.authenticationInfo;
    return this.#options.shelf.change(user, (now) => {
      const at = now.passkeys.findIndex(
        ({ id, counter }) => id === passkey.id && counter === passkey.counter,
      );
      const present = now.passkeys[at];
      // Removed, or used by somebody else at the same moment.
      if (present === undefined) return undefined;
      const lastUsedMs = this.#options.clock();
      const used = { ...present, counter: newCounter, backedUp: credentialBackedUp, lastUsedMs };
      const result = { user, account: now.account };
      return { next: { ...now, passkeys: now.passkeys.with(at, used) }, result };
    });
  }

  async #keep(user: string, passkey: PasskeyRecord): Promise<Enrolled<PasskeyView> | undefined> {
    const { records, shelf } = this.#options;
    // A credential id belongs to one user for ever: whoever had it first.
    const isNew = await records.put(pointerKey(passkey.id), Buffer.from(user), { ifAbsent: true });
    if (isNew === undefined) return undefined;
    return shelf.change(user, (record) => {
      demandRoom(record.passkeys.length, MAX_PASSKEYS);
      const { next, recoveryCodes } = withRecovery({ ...record, passkeys: [...record.passkeys, passkey] });
      return { next, result: { factor: passkeyView(passkey), recoveryCodes } };
    });
  }

  async #isOurs(challenge: string, expected: Expected, taken: Ceremony[]): Promise<boolean> {
    const ceremony = await this.#challenges.take(challenge);
    if (ceremony === undefined) return false;
    taken.push(ceremony);
    const { purpose, user, rpId } = ceremony;
    return purpose === expected.purpose && user === expected.user && rpId === expected.site.rpId;
  }

  /** The library throws for what is not accepted; only the state's failures are ours to pass on. */
  async #judged<T>(judge: () => Promise<T>): Promise<T | undefined> {
    try {
      return await judge();
    } catch (error) {
      if (error instanceof GatewayError) throw error;
      const detail = error instanceof Error ? error.message.slice(0, 120) : typeof error;
      this.#options.logger.info(
        { detail, reason: 'passkey-refused' },
        'the answer of a passkey was not accepted',
      );
      return undefined;
    }
  }
}

interface Expected {
  readonly purpose: Ceremony['purpose'];
  readonly user: string;
  readonly site: Site;
}

/** Gives the key of the pointer from a credential id to its user. */
export function pointerKey(id: string): string {
  return `passkey:${createHash('sha256').update(id).digest('base64url')}`;
}

/** Gives what lists show of a passkey. */
export function passkeyView(passkey: PasskeyRecord): PasskeyView {
  return { ...totpView(passkey), rpId: passkey.rpId, backedUp: passkey.backedUp };
}

function descriptors(passkeys: readonly PasskeyRecord[], site: Site): { id: string; transports: string[] }[] {
  return passkeys
    .filter(({ rpId }) => rpId === site.rpId)
    .map(({ id, transports }) => ({ id, transports: [...transports] }));
}
