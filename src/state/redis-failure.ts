import { GatewayError } from '../errors.ts';

/** What Redis or the connection said, as a code of the gateway. */
export interface RedisFailure {
  readonly error: GatewayError;
  /** Whether nothing at all can be asked of Redis now, as opposed to this one command being refused. */
  readonly down: boolean;
}

/** First words of Redis' error replies with which it cannot serve at all, and what they mean for the operator. */
const DOWN: ReadonlyMap<string, string> = new Map([
  ['LOADING', 'Redis is still loading its data'],
  ['MASTERDOWN', 'Redis is a replica that has lost its master'],
  ['CLUSTERDOWN', 'the Redis Cluster is down: not every slot is served'],
  ['READONLY', 'Redis is a replica and takes no writes'],
  ['BUSY', 'Redis is busy with a script'],
  ['NOAUTH', 'Redis wants a password, and the URL of `state` has none'],
  ['WRONGPASS', 'Redis does not accept the user name or password of `state`'],
  ['DENIED', 'Redis is in protected mode and only answers its own machine'],
  ['NOREPLICAS', 'Redis has too few replicas to take writes'],
]);
const FULL: ReadonlyMap<string, string> = new Map([
  ['OOM', 'Redis has reached its maxmemory'],
  ['MISCONF', 'Redis cannot save to its disk and takes no writes'],
]);

/**
 * Gives the failure behind an error of ioredis.
 *
 * Security: errors of ioredis carry the command with its arguments, and replies quote what was sent. Only known words and codes
 * go on; the error itself is not kept as a cause.
 */
export function redisFailure(thrown: unknown): RedisFailure {
  if (thrown instanceof GatewayError) return { error: thrown, down: false };
  const error = innermost(thrown);
  const code = error === undefined ? undefined : systemCode(error);
  if (code !== undefined) return down(connectionDetail(code), 'connection');
  const word = error?.name === 'ReplyError' ? (/^[A-Z]+/.exec(error.message)?.[0] ?? 'ERR') : undefined;
  if (word === undefined) return down('the connection to Redis is down', 'connection');
  const full = FULL.get(word);
  if (full !== undefined) {
    return { down: false, error: new GatewayError('SP_STATE_FULL', { detail: full, reason: 'full' }) };
  }
  const known =
    DOWN.get(word) ?? (/invalid password/i.test(error?.message ?? '') ? DOWN.get('WRONGPASS') : undefined);
  if (known !== undefined) return down(known, 'refused');
  const detail =
    word === 'NOPERM'
      ? 'the Redis user may not run a command or use a key that is needed'
      : `Redis answered ${word}`;
  return { down: false, error: new GatewayError('SP_STATE_UNREACHABLE', { detail, reason: 'refused' }) };
}

/** Gives the failure of a command that was not answered in time. */
export function redisSilence(): RedisFailure {
  return down('Redis did not answer in time', 'timeout');
}

function down(detail: string, reason: string): RedisFailure {
  return { down: true, error: new GatewayError('SP_STATE_UNREACHABLE', { detail, reason }) };
}

/** A Cluster wraps the error of the node that was asked last. */
function innermost(thrown: unknown): Error | undefined {
  if (!(thrown instanceof Error)) return undefined;
  const inner: unknown = Reflect.get(thrown, 'lastNodeError');
  return inner instanceof Error ? innermost(inner) : thrown;
}

function systemCode(error: Error): string | undefined {
  const code: unknown = Reflect.get(error, 'code');
  if (typeof code === 'string') return code;
  return /\b(ECONNREFUSED|ECONNRESET|ENOTFOUND|ETIMEDOUT|EHOSTUNREACH)\b/.exec(error.message)?.[0];
}

function connectionDetail(code: string): string {
  if (/CERT|SSL|TLS|SIGNATURE|ISSUER/.test(code)) {
    return `Redis could not prove who it is (${code}); a private CA is named with ?ca=FILE`;
  }
  return `the connection to Redis failed (${code})`;
}
