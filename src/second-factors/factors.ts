/** An authenticator app of a user, as lists show it. */
export interface TotpView {
  readonly id: string;
  readonly name: string;
  readonly createdAtSec: number;
  readonly lastUsedSec: number | undefined;
}

/** A passkey of a user, as lists show it. */
export interface PasskeyView extends TotpView {
  /** Host for which it was made, and at which alone it works. */
  readonly rpId: string;
  /** Whether its provider keeps a copy, so that it survives the loss of the device. */
  readonly backedUp: boolean;
}

/** Everything that a user has to prove who they are beside the password. */
export interface SecondFactorList {
  readonly totp: readonly TotpView[];
  readonly passkeys: readonly PasskeyView[];
  readonly recoveryCodesLeft: number;
}

/** Where a ceremony takes place: the host, and the origin of its pages. */
export interface Site {
  /** Canonical host of the request. */
  readonly rpId: string;
  /** `https://` and the authority of the request, without the default port. */
  readonly origin: string;
}

/** Whose factors these are. */
export interface FactorUser {
  /** Canonical user name. */
  readonly user: string;
  /** Name of the account; `undefined` for somebody whom a provider vouches for. */
  readonly account: string | undefined;
}

/** Who tries, and from where: failures are counted for both. */
export interface FactorAttempt {
  readonly user: string;
  readonly address: string;
}

/** What came of an enrolment. */
export interface Enrolled<View> {
  readonly factor: View;
  /** Present when these are the first factors of the user: shown once. */
  readonly recoveryCodes: readonly string[] | undefined;
}
