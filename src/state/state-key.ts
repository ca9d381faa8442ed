import { randomBytes } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { link, mkdir, open, readFile, rm } from 'node:fs/promises';
import { dirname } from 'node:path';
import { GatewayError, isStateAway } from '../errors.ts';
import type { Logger } from '../lib/logger.ts';
import { SEALED_INDEX, SealError, type Sealer } from '../lib/seal.ts';
import type { Secret } from '../lib/secret.ts';
import { KeyRing } from './key-ring.ts';
import { PendingSealer } from './pending-sealer.ts';
import type { Store } from './store.ts';

/** Where the key of the state comes from, and the state that it is compared with. */
export interface StateKeySource {
  /** 32 bytes as base64 or hex; `undefined`: `keyFile`. */
  readonly key: Secret | undefined;
  /** Absolute path; made on first start. */
  readonly keyFile: string;
  readonly store: Store;
  readonly logger: Logger;
}

const CHECK_KEY = 'state-key-check';
const CHECK_TEXT = Buffer.from('this state is sealed with this key');

/**
 * Gives the sealer of the state's secrets, sure that it is the one that sealed what is already there.
 *
 * The key is the configured one, or the key file's; the file is made (0600, whole or not at all) when neither it nor
 * anything sealed exists. The first process leaves a check record in the state; all later ones must be able to open it.
 * The sealer's `open` throws SP_STATE_KEY for another key and SP_STATE_CORRUPT for damage.
 *
 * While the state does not answer, or has no room for the check, the sealer is given all the same, with the key that
 * is at hand: it opens, seals nothing yet, and is checked in the background as soon as the state allows it. A key that
 * turns out not to be the state's is logged as an error, and both calls throw SP_STATE_KEY from then on.
 *
 * @throws SP_STATE_KEY, with what to do, when the key is malformed, missing, or not the state's
 */
export async function loadStateKey(source: StateKeySource): Promise<Sealer> {
  try {
    return await checkedSealer(source);
  } catch (error) {
    if (!isStateAway(error)) throw error;
    source.logger.warn({ code: error.code }, 'the state key cannot be checked yet');
    return new PendingSealer(await sealerAtHand(source), () => checkedSealer(source), source.logger);
  }
}

/** @throws as `loadStateKey`, and SP_STATE_UNREACHABLE, SP_STATE_FULL when the check could not be made */
async function checkedSealer({ key, keyFile, store }: StateKeySource): Promise<Sealer> {
  const checked = await store.records.get(CHECK_KEY);
  const bytes = key === undefined ? await keyOfFile(keyFile, checked !== undefined) : configuredKey(key);
  const sealer = withCodes(new KeyRing(bytes, key === undefined ? () => keysNow(keyFile) : undefined));
  if (checked === undefined) {
    await store.records.put(CHECK_KEY, sealer.seal(CHECK_TEXT, CHECK_KEY), {
      ifAbsent: true,
      indexes: [SEALED_INDEX],
    });
  }
  // Read anew after the put: another process, with another key, may have been first.
  const record = checked ?? (await store.records.get(CHECK_KEY));
  if (record === undefined) throw new GatewayError('SP_STATE_CORRUPT', { detail: 'the key check is gone' });
  sealer.open(record.value, CHECK_KEY);
  return sealer;
}

/** Gives the sealer of the key that is there without asking the state; `undefined` when only the state knows whether to make one. */
async function sealerAtHand({ key, keyFile }: StateKeySource): Promise<Sealer | undefined> {
  const bytes = key === undefined ? await readKeyFile(keyFile) : configuredKey(key);
  return bytes && withCodes(new KeyRing(bytes, key === undefined ? () => keysNow(keyFile) : undefined));
}

function configuredKey(key: Secret): Keys {
  return decodeKeys(key.reveal(), 'the configured state key');
}

function withCodes(sealer: Sealer): Sealer {
  const open = (sealed: Uint8Array, context: string): Uint8Array => {
    try {
      return sealer.open(sealed, context);
    } catch (error) {
      const wrongKey = error instanceof SealError && error.reason === 'wrong-key';
      if (!wrongKey) throw new GatewayError('SP_STATE_CORRUPT', { detail: 'a sealed record is damaged' });
      throw new GatewayError('SP_STATE_KEY', {
        reason: 'wrong-key',
        detail:
          `the key in use (id ${sealer.keyId}) is not the one that sealed the state: ` +
          'bring back the state key or key file of the first start, or begin with an empty state',
      });
    }
  };
  return {
    get keyId() {
      return sealer.keyId;
    },
    seal: (plain, context) => sealer.seal(plain, context),
    open,
  };
}

async function keyOfFile(keyFile: string, stateIsSealed: boolean): Promise<Keys> {
  const found = await readKeyFile(keyFile);
  if (found !== undefined) return found;
  if (stateIsSealed) {
    throw new GatewayError('SP_STATE_KEY', {
      reason: 'key-missing',
      detail: `the state is sealed, but its key file ${keyFile} is missing: bring it back, or begin with an empty state`,
    });
  }
  await makeKeyFile(keyFile);
  const made = await readKeyFile(keyFile);
  if (made === undefined) {
    throw new GatewayError('SP_STATE_KEY', { reason: 'key-missing', detail: `${keyFile} vanished` });
  }
  return made;
}

async function readKeyFile(keyFile: string): Promise<Keys | undefined> {
  try {
    return decodeKeys(await readFile(keyFile, 'utf8'), `the key file ${keyFile}`);
  } catch (error) {
    if (isCode(error, 'ENOENT')) return undefined;
    if (error instanceof GatewayError) throw error;
    throw new GatewayError('SP_STATE_KEY', {
      reason: 'key-unreadable',
      detail: `the key file ${keyFile} cannot be read`,
      cause: error,
    });
  }
}

/** Makes the file under another name and links it into place, so that of two first starts one wins and nobody reads half a key. */
async function makeKeyFile(keyFile: string): Promise<void> {
  const draft = `${keyFile}.${randomBytes(6).toString('hex')}`;
  try {
    await mkdir(dirname(keyFile), { recursive: true, mode: 0o700 });
    const file = await open(draft, 'wx', 0o600);
    try {
      await file.writeFile(`${randomBytes(32).toString('base64')}\n`);
      await file.sync();
    } finally {
      await file.close();
    }
    await link(draft, keyFile);
  } catch (error) {
    if (isCode(error, 'EEXIST')) return;
    throw new GatewayError('SP_STATE_KEY', {
      reason: 'key-unwritable',
      detail: `the key file ${keyFile} cannot be made`,
      cause: error,
    });
  } finally {
    await rm(draft, { force: true });
  }
}

type Keys = readonly [Uint8Array, ...Uint8Array[]];

/** Gives the keys as the file has them now, `undefined` when it cannot be read. */
function keysNow(keyFile: string): Keys | undefined {
  try {
    return decodeKeys(readFileSync(keyFile, 'utf8'), keyFile);
  } catch {
    return undefined;
  }
}

/** Gives one or more keys with space between them: the first one seals, all open. */
function decodeKeys(text: string, where: string): Keys {
  const [first = '', ...others] = text.trim().split(/\s+/);
  return [decodeKey(first, where), ...others.map((other) => decodeKey(other, where))];
}

function decodeKey(text: string, where: string): Uint8Array {
  const trimmed = text.trim();
  if (/^[0-9a-f]{64}$/i.test(trimmed)) return Buffer.from(trimmed, 'hex');
  if (/^[A-Za-z0-9+/_-]{43}=?$/.test(trimmed)) return Buffer.from(trimmed, 'base64');
  throw new GatewayError('SP_STATE_KEY', {
    reason: 'key-malformed',
    detail: `${where} is not 32 bytes as base64 or hex`,
  });
}

function isCode(error: unknown, code: string): boolean {
  return error instanceof Error && 'code' in error && error.code === code;
}
