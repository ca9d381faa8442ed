import { GatewayError } from '../../errors.ts';

/** Least wait after a pair that cannot be served. */
const UNUSABLE_MS = 3600_000;

/** Why an order failed, for log, back-off and metric. */
export type AcmeReason =
  | 'unreachable'
  | 'malformed'
  | 'rate-limited'
  | 'refused'
  | 'challenge'
  | 'hook'
  | 'timeout'
  | 'stopped';

export interface AcmeErrorOptions {
  readonly reason: AcmeReason;
  /** For the log. Security: no key, nonce or signed message. */
  readonly detail: string;
  /** Last word of the problem's type, e.g. `badNonce` (RFC 8555 §6.7). */
  readonly type?: string | undefined;
  /** How long the CA wants not to be asked again, milliseconds. */
  readonly retryAfterMs?: number | undefined;
  readonly cause?: unknown;
}

/** A failure on the way to a certificate of an ACME server. */
export class AcmeError extends GatewayError {
  declare readonly reason: AcmeReason;
  readonly type: string | undefined;
  readonly retryAfterMs: number | undefined;

  constructor(options: AcmeErrorOptions) {
    const { reason, detail, cause } = options;
    super('SP_CERTIFICATE_ORDER', { reason, detail, cause });
    this.type = options.type;
    this.retryAfterMs = options.retryAfterMs;
  }
}

/** Gives any thrown value as an `AcmeError`. */
export function asAcmeError(thrown: unknown): AcmeError {
  if (thrown instanceof AcmeError) return thrown;
  if (thrown instanceof Error && (thrown.name === 'AbortError' || thrown.name === 'TimeoutError')) {
    return new AcmeError({
      reason: 'timeout',
      detail: 'the order took too long or was given up',
      cause: thrown,
    });
  }
  const told = thrown instanceof GatewayError ? (thrown.detail ?? thrown.title) : String(thrown);
  const problems = thrown instanceof GatewayError ? thrown.problems : [];
  return new AcmeError({ reason: 'refused', detail: [told, ...problems].join(' '), cause: thrown });
}

/** Gives any thrown value as the failure of an order. */
export function asOrderError(thrown: unknown): AcmeError {
  const error = asAcmeError(thrown);
  if (!(thrown instanceof GatewayError) || thrown.code !== 'SP_CERTIFICATE_INVALID') return error;
  // A pair that the CA gave and that cannot be served would be ordered again and again: the CA counts each.
  return new AcmeError({
    reason: 'refused',
    detail: error.detail ?? '',
    retryAfterMs: UNUSABLE_MS,
    cause: thrown,
  });
}
