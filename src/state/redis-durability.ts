import type { Logger } from '../lib/logger.ts';
import type { RedisConnection } from './redis-connection.ts';
import { asList, asText } from './redis-reply.ts';

/**
 * Warns once when this Redis may forget: when it evicts keys that do not expire or are still valid, or saves nothing. Says nothing
 * where Redis does not tell, as many hosted ones.
 */
export async function warnOfForgetfulRedis(connection: RedisConnection, logger: Logger): Promise<void> {
  try {
    const policy = await setting(connection, 'maxmemory-policy');
    const save = await setting(connection, 'save');
    const appendOnly = await setting(connection, 'appendonly');
    const evicts = policy !== undefined && policy !== 'noeviction';
    const forgets = save === '' && appendOnly === 'no';
    if (!evicts && !forgets) return;
    logger.warn(
      { maxmemoryPolicy: policy, persistent: !forgets },
      'this Redis may lose sessions and revocations: set maxmemory-policy noeviction and appendonly yes',
    );
  } catch {
    // CONFIG is not allowed, or Redis went away: then the health board says so.
  }
}

async function setting(connection: RedisConnection, name: string): Promise<string | undefined> {
  const [, value] = asList(await connection.call('CONFIG', 'GET', name));
  return value === undefined ? undefined : asText(value);
}
