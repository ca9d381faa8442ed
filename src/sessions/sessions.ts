/** A session as people and the admin see it; never holds the secret. */
export interface SessionView {
  /** Public id, not a credential. */
  readonly id: string;
  readonly user: string;
  readonly groups: readonly string[];
  readonly email: string | undefined;
  readonly createdAtSec: number;
  readonly lastSeenSec: number;
  readonly expiresAtSec: number;
  readonly address: string | undefined;
  readonly device: string | undefined;
}
