import { Cluster, Redis, type RedisOptions } from 'ioredis';
import type { RedisAddress } from './redis-address.ts';
import { WRONG_DATABASE } from './redis-failure.ts';

/** A connection to one Redis, to the master that Sentinels name, or to a Cluster. */
export type RedisClient = Redis | Cluster;

/** What ioredis' generic constructors take: replies keep the shape they have in RESP2. */
type PlainOptions = Omit<RedisOptions, 'replyMapping'>;

const CONNECT_MS = 1_000;
const LONGEST_PAUSE_MS = 500;

/**
 * Makes a client that connects at once and again after every loss, for ever. No command waits in a queue and none is sent twice:
 * whatever was under way when the connection broke is rejected at once.
 *
 * @param silenceMs - a connection that owes an answer for longer is thought dead and made anew
 */
export function makeRedisClient(address: RedisAddress, silenceMs: number): RedisClient {
  const options = commonOptions(address, silenceMs);
  const [first] = address.hosts;
  if (address.kind !== 'cluster') {
    const single = { host: first.host, port: first.port, enableOfflineQueue: false, retryStrategy: pause };
    const place = address.kind === 'sentinel' ? sentinelOptions(address) : single;
    return refuseOtherDatabase(new Redis({ ...options, ...place }));
  }
  return new Cluster([...address.hosts], {
    redisOptions: options,
    enableOfflineQueue: false,
    clusterRetryStrategy: pause,
    slotsRefreshTimeout: CONNECT_MS,
    maxRedirections: 5,
    // Names in certificates are those that the cluster announces, not what they resolve to.
    dnsLookup: (name, done) => done(null, name),
  });
}

/** Where SELECT fails, ioredis would go on in database 0: the connection is given up before it is ready. */
function refuseOtherDatabase(client: Redis): Redis {
  return client.on('error', (error: Error) => {
    if (WRONG_DATABASE.test(error.message)) client.disconnect(true);
  });
}

function commonOptions(address: RedisAddress, silenceMs: number): PlainOptions {
  return {
    // RESP2 has all that is needed, works through proxies, and its replies have one shape.
    protocol: 2,
    db: address.db,
    connectTimeout: CONNECT_MS,
    // How long a closed store waits for the other side to close, too: it holds the process.
    disconnectTimeout: 100,
    socketTimeout: silenceMs,
    // With 0, commands under way are rejected when the connection closes; any other value lets them wait for the next one.
    maxRetriesPerRequest: 0,
    autoResendUnfulfilledCommands: false,
    // A master that became a replica keeps the connection open and refuses writes: find the new one.
    reconnectOnError: (error) => (error.message.startsWith('READONLY') ? 1 : false),
    connectionName: 'sallyport',
    ...(address.user === undefined ? {} : { username: address.user }),
    ...(address.password === undefined ? {} : { password: address.password }),
    ...(address.tls === undefined ? {} : { tls: address.tls }),
  };
}

function sentinelOptions(address: RedisAddress): PlainOptions {
  return {
    sentinels: [...address.hosts],
    name: address.masterName,
    sentinelRetryStrategy: pause,
    sentinelCommandTimeout: CONNECT_MS,
    enableOfflineQueue: false,
    retryStrategy: pause,
    ...(address.sentinelUser === undefined ? {} : { sentinelUsername: address.sentinelUser }),
    ...(address.sentinelPassword === undefined ? {} : { sentinelPassword: address.sentinelPassword }),
    ...(address.tls === undefined ? {} : { sentinelTLS: address.tls, enableTLSForSentinelMode: true }),
  };
}

function pause(attempt: number): number {
  return Math.min(50 * attempt, LONGEST_PAUSE_MS);
}
