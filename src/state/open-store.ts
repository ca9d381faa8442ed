import { fileURLToPath } from 'node:url';
import type { Clock } from '../lib/clock.ts';
import type { Logger } from '../lib/logger.ts';
import type { Secret } from '../lib/secret.ts';
import { openEmbeddedStore } from './embedded.ts';
import { invalidAddress } from './invalid-address.ts';
import { openRedisStore } from './redis.ts';
import type { Store } from './store.ts';

/** Where the state is, and what its driver needs. */
export interface OpenStoreOptions {
  /** `file:PATH` (relative to the working folder), `redis://`, `rediss://`, `redis+sentinel://` or `redis+cluster://`. */
  readonly url: Secret;
  readonly clock: Clock;
  readonly logger: Logger;
}

/**
 * Opens the state that a URL names, with the driver of its scheme.
 *
 * @throws SP_CONFIG_INVALID on an unknown scheme or a malformed URL
 * @throws SP_STATE_CORRUPT, SP_STATE_UNREACHABLE when a state file can never be used
 */
export function openStore({ url, clock, logger }: OpenStoreOptions): Store {
  const text = url.reveal();
  if (text.startsWith('file:')) return openEmbeddedStore({ path: filePath(text), clock, logger });
  if (/^redis(s|\+sentinel|\+cluster)?:\/\//.test(text)) return openRedisStore({ url, clock, logger });
  throw invalidAddress(
    '`state` must be file:PATH, redis://, rediss://, redis+sentinel:// or redis+cluster://',
  );
}

function filePath(text: string): string {
  const path = text.startsWith('file://') ? absolutePath(text) : text.slice('file:'.length);
  if (path !== '') return path;
  throw invalidAddress('`state: file:` names no file; write e.g. file:data/state.db');
}

function absolutePath(text: string): string {
  try {
    return fileURLToPath(text);
  } catch (thrown) {
    throw invalidAddress(
      '`state` with file:// needs an absolute path, e.g. file:///var/lib/sallyport/state.db',
      thrown,
    );
  }
}
