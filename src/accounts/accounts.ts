/** An account without its password hash. */
export interface AccountView {
  readonly name: string;
  readonly groups: readonly string[];
  readonly email: string | undefined;
  readonly createdAtSec: number;
  readonly updatedAtSec: number;
}
