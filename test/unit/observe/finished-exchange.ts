import type { ExchangeRecord } from '../../../src/exchange.ts';
import type { FinishedExchange } from '../../../src/observe/access-log.ts';

/** An exchange of a test: answered with 200 by an upstream, unless it says otherwise. */
export function finishedExchange(
  change: {
    readonly record?: Partial<ExchangeRecord>;
    readonly request?: Partial<FinishedExchange['arrived']['request']>;
    readonly finished?: Partial<FinishedExchange>;
  } = {},
): FinishedExchange {
  return {
    arrived: {
      id: 'r1',
      startedAtMs: 1000,
      request: {
        method: 'GET',
        host: 'api.test',
        authority: 'api.test:8443',
        path: '/v1/things',
        query: '',
        headers: [],
        authorization: undefined,
        cookie: undefined,
        upgrade: undefined,
        contentLength: undefined,
        ...change.request,
      },
      client: {
        address: '192.0.2.7',
        peer: '10.0.0.1',
        port: 4711,
        http: '2',
        serverName: 'api.test',
        tlsPolicy: 'default',
        tlsProtocol: 'TLSv1.3',
      },
      record: {
        route: 'api.test/v1',
        user: 'alice',
        method: 'token',
        decision: 'allowed',
        reason: undefined,
        code: undefined,
        detail: undefined,
        upstream: '10.0.0.9:80',
        upstreamMs: 4.5,
        authenticateMs: 0.25,
        retries: 0,
        ...change.record,
      },
    },
    status: 200,
    bytesOut: 42,
    endedAtMs: 1012.3456,
    aborted: false,
    ...change.finished,
  };
}
