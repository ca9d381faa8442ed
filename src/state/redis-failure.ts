import { GatewayError } from '../errors.ts';

/** What Redis or the connection said, as a code of the gateway. */
export interface RedisFailure {
  readonly error: GatewayError;
  /** Whether nothing at all can be asked of Redis now, as opposed to this one command being refused. */
  readonly down: boolean;
  /** Whether the error says why. Of most failed calls only the connection's own error knows. */
  readonly telling: boolean;
}

/** An error reply to SELECT. */
export const WRONG_DATABASE = /DB index is out of range|SELECT is not allowed/i;

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
  ['MOVED', 'this Redis is part of a Cluster; write redis+cluster:// in `state`'],
  ['NOREPLICAS', 'Redis has too few replicas to take writes'],
]);
/** What errors without a word of their own say, and what it means. */
const SENTENCES: readonly (readonly [RegExp, string])[] = [
  [/invalid password/i, 'Redis does not accept the user name or password of `state`'],
  [/cluster support disabled/i, 'this Redis is no Cluster; write redis:// or rediss:// in `state`'],
  [WRONG_DATABASE, 'this Redis has no database of the number in `state`'],
  [
    /all sentinels are unreachable/i,
    'no Sentinel names a master: none can be reached, or none knows the name in `state`',
  ],
];
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
  if (thrown instanceof GatewayError)
    return { error: thrown, down: thrown.reason === 'timeout', telling: true };
  const error = innermost(thrown);
  if (error === undefined) return lost();
  const sentence = SENTENCES.find(([pattern]) => pattern.test(error.message))?.[1];
  if (sentence !== undefined) return unreachable(sentence, 'refused');
  const code = systemCode(error);
  if (code !== undefined) return unreachable(connectionDetail(code), 'connection');
  return error.name === 'ReplyError' ? refusal(error) : lost();
}

/** Gives the failure of a command that was not answered in time. */
export function redisSilence(): RedisFailure {
  return unreachable('Redis did not answer in time', 'timeout');
}

/** Gives the failure behind an error reply. */
function refusal(reply: Error): RedisFailure {
  const word = /^[A-Z]+/.exec(reply.message)?.[0] ?? 'ERR';
  const full = FULL.get(word);
  if (full !== undefined) {
    const error = new GatewayError('SP_STATE_FULL', { detail: full, reason: 'full' });
    return { down: false, telling: true, error };
  }
  const known = DOWN.get(word);
  if (known !== undefined) return unreachable(known, 'refused');
  const permission = 'the Redis user may not run a command or use a key that is needed';
  return {
    ...unreachable(word === 'NOPERM' ? permission : `Redis answered ${word}`, 'refused'),
    down: false,
  };
}

function lost(): RedisFailure {
  return { ...unreachable('the connection to Redis is down', 'connection'), telling: false };
}

function unreachable(detail: string, reason: string): RedisFailure {
  return { down: true, telling: true, error: new GatewayError('SP_STATE_UNREACHABLE', { detail, reason }) };
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
  if (/ALTNAME/.test(code)) return 'the certificate of Redis is for another host name';
  if (/CERT|SSL|TLS|SIGNATURE|ISSUER/.test(code)) {
    return `Redis could not prove who it is (${code}); a private CA is named with ?ca=FILE`;
  }
  return `the connection to Redis failed (${code})`;
}
