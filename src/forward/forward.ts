/**
 * ROOM 5. Comes in: an `Admitted` request. Goes out: the upstream's answer, its body still flowing.
 */

import { asGatewayError, GatewayError } from '../errors.ts';
import type { Admitted, Answered, ExchangeRecord, HeaderList } from '../exchange.ts';
import { isSource } from '../lib/byte-source.ts';
import { dispatch } from './dispatch.ts';
import { guardBody } from './guard-body.ts';
import { type HeaderRules, requestHeaders } from './request-headers.ts';
import { answerHeaders } from './response-headers.ts';
import { safeTrailers } from './trailers.ts';
import type { Upstream } from './upstream.ts';
import { answerWhoami } from './whoami.ts';

/** Answers requests of the reserved path inside the gateway. */
export type InternalPages = (admitted: Admitted) => Promise<Answered>;

/** What the room forwards to, and by which rules. */
export interface ForwardParts {
  /** By name, as routes refer to them. */
  readonly upstreams: ReadonlyMap<string, Upstream>;
  readonly rules: HeaderRules;
  readonly internal: InternalPages;
}

/** Name of the upstream behind the reserved path. */
export const INTERNAL_UPSTREAM = 'internal:pages';

/**
 * Gives the room that forwards: `(admitted) => answer`.
 *
 * The room throws or rejects with SP_LISTEN_BODY_TOO_LARGE, SP_FORWARD_UNREACHABLE, SP_FORWARD_BAD_ANSWER,
 * SP_FORWARD_TLS, SP_FORWARD_BUSY, SP_FORWARD_TIMEOUT or SP_FORWARD_CLIENT_GONE; an upstream that breaks off after its
 * head fails the answer's body instead.
 */
export function makeForward(parts: ForwardParts): (admitted: Admitted) => Promise<Answered> {
  const trailers = (flat: HeaderList): HeaderList => safeTrailers(flat, parts.rules.reserved);
  return (admitted) => {
    const { route, arrived } = admitted;
    const { bodyBytes, upstream: name } = route.config;
    if (bodyBytes > 0 && (arrived.request.contentLength ?? 0) > bodyBytes) {
      throw new GatewayError('SP_LISTEN_BODY_TOO_LARGE', { reason: 'body-too-large' });
    }
    const body = arrived.body === null ? null : guardBody(arrived.body, { maxBytes: bodyBytes, trailers });
    if (name === INTERNAL_UPSTREAM) return parts.internal(admitted);
    const upstream = parts.upstreams.get(name);
    if (upstream === undefined)
      throw new GatewayError('SP_FORWARD_NO_TARGET', { reason: 'unknown-upstream' });
    const fields = requestHeaders(admitted, parts.rules);
    if (upstream.config.kind === 'whoami') return answerWhoami(admitted, fields, body);
    return dispatch(admitted, upstream, fields, body).then((answer) => ({
      ...answer,
      headers: answerHeaders(answer.headers, parts.rules.sessionCookie),
      body: isSource(answer.body)
        ? guardBody(answer.body, { maxBytes: 0, trailers, onBroken: noteIn(arrived.record) })
        : answer.body,
    }));
  };
}

/** An answer that broke off here has the status of its head; only the record tells it from a client that left. */
function noteIn(record: ExchangeRecord): (error: Error) => void {
  return (error) => {
    const { code, reason } = asGatewayError(error);
    record.code = code;
    record.reason = reason;
  };
}
