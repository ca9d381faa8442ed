import { createHash, createPrivateKey, generateKeyPairSync, type KeyObject } from 'node:crypto';
import { GatewayError } from '../../errors.ts';
import { SEALED_INDEX, SealError, type Sealer } from '../../lib/seal.ts';
import type { Records } from '../../state/store.ts';

const PREFIX = 'acme/account/';

/**
 * Gives the account key for a directory, and makes it on first use: P-256, one for all processes on the same state.
 *
 * Security: sealed before it leaves the process, bound to its record.
 *
 * @param account - what else tells two accounts at one directory apart: address, external account
 * @throws SP_STATE_UNREACHABLE, SP_STATE_KEY, SP_STATE_CORRUPT
 */
export async function accountKey(
  { records, sealer }: { readonly records: Records; readonly sealer: Sealer },
  directory: string,
  account: readonly (string | undefined)[],
): Promise<KeyObject> {
  const id = createHash('sha256')
    .update(JSON.stringify([directory, ...account]))
    .digest('hex');
  const place = PREFIX + id;
  const stored = await records.get(place);
  if (stored !== undefined) return open(stored.value, sealer, place);
  const { privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  const sealed = sealer.seal(privateKey.export({ type: 'pkcs8', format: 'der' }), place);
  if ((await records.put(place, sealed, { ifAbsent: true, indexes: [SEALED_INDEX] })) !== undefined)
    return privateKey;
  // Another process was faster: its key is the account's.
  const other = await records.get(place);
  if (other === undefined) throw corrupt();
  return open(other.value, sealer, place);
}

function open(sealed: Uint8Array, sealer: Sealer, place: string): KeyObject {
  try {
    const der = Buffer.from(sealer.open(sealed, place));
    return createPrivateKey({ key: der, format: 'der', type: 'pkcs8' });
  } catch (error) {
    if (error instanceof SealError && error.reason === 'wrong-key') {
      throw new GatewayError('SP_STATE_KEY', { detail: 'an ACME account key', reason: 'wrong-key' });
    }
    throw corrupt();
  }
}

function corrupt(): GatewayError {
  return new GatewayError('SP_STATE_CORRUPT', { detail: 'an ACME account key', reason: 'garbage' });
}
