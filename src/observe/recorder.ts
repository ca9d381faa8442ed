import type { AccessLog, FinishedExchange, RefusedRequest } from './access-log.ts';
import type { Metrics } from './metrics.ts';
import type { SecurityLog } from './security-log.ts';

/** Takes every exchange, exactly once, when it is over. */
export interface Recorder {
  record(finished: FinishedExchange): void;
  /** Takes a request that was refused before it had a canonical form. */
  recordRefused(refused: RefusedRequest): void;
}

export interface RecorderOptions {
  /** `undefined` when the access log is switched off. */
  readonly accessLog: AccessLog | undefined;
  readonly securityLog: SecurityLog;
  readonly metrics: Pick<Metrics, 'exchange' | 'authentication'>;
}

/** Gives the recorder: one log line and one set of counts per exchange, without I/O of its own. */
export function makeRecorder({ accessLog, securityLog, metrics }: RecorderOptions): Recorder {
  return {
    record(finished) {
      const { record, client, startedAtMs } = finished.arrived;
      metrics.exchange({
        route: record.route,
        status: finished.status,
        http: client.http,
        durationMs: finished.endedAtMs - startedAtMs,
        upstreamMs: record.upstreamMs,
      });
      const outcome = verdictOf(record.code, record.method);
      if (outcome !== undefined)
        metrics.authentication(record.method ?? 'none', outcome, reasonOf(outcome, record.reason));
      accessLog?.finished(finished);
      if (record.failedSignIn !== undefined) securityLog.signIn(finished.arrived, record.failedSignIn);
    },
    recordRefused(refused) {
      const { status, http } = refused;
      metrics.exchange({ route: undefined, status, http, durationMs: 0, upstreamMs: undefined });
      accessLog?.refused(refused);
    },
  };
}

type Outcome = 'verified' | 'absent' | 'rejected' | 'throttled' | 'unavailable';

function verdictOf(code: string | undefined, method: string | undefined): Outcome | undefined {
  switch (code) {
    case 'SP_AUTHENTICATE_REQUIRED':
      return 'absent';
    case 'SP_AUTHENTICATE_REJECTED':
    case 'SP_AUTHENTICATE_AMBIGUOUS':
      return 'rejected';
    case 'SP_AUTHENTICATE_THROTTLED':
      return 'throttled';
    case 'SP_AUTHENTICATE_UNAVAILABLE':
      return 'unavailable';
    default:
      return method === undefined ? undefined : 'verified';
  }
}

/** The reason of a verified exchange belongs to what came after: policy or upstream. */
function reasonOf(outcome: Outcome, reason: string | undefined): string | undefined {
  return outcome === 'verified' ? undefined : reason;
}
