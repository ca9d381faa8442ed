import { GatewayError } from '../errors.ts';
import type { ByteSink, ByteSource } from '../lib/byte-source.ts';

/** What a body may be on its way through. */
export interface BodyRules {
  /** Most bytes; 0 for no limit. */
  readonly maxBytes: number;
  readonly trailers: (trailers: readonly string[]) => readonly string[];
  /** Called once when the source breaks off. */
  readonly onBroken?: (error: Error) => void;
}

/**
 * Gives a body that fails with SP_LISTEN_BODY_TOO_LARGE when it grows too large, and whose trailers are filtered.
 *
 * Security: a chunked body tells its length only by ending; what was sent on by then is cut off, never completed.
 */
export function guardBody(
  source: ByteSource,
  { maxBytes, trailers: filter, onBroken }: BodyRules,
): ByteSource {
  let left = maxBytes === 0 ? Number.POSITIVE_INFINITY : maxBytes;
  return {
    start(sink: ByteSink) {
      source.start({
        write(chunk) {
          left -= chunk.length;
          if (left >= 0) return sink.write(chunk);
          source.cancel();
          sink.fail(new GatewayError('SP_LISTEN_BODY_TOO_LARGE', { reason: 'body-too-large' }));
          return false;
        },
        end: (trailers) => sink.end(filter(trailers)),
        fail(error) {
          onBroken?.(error);
          sink.fail(error);
        },
      });
    },
    resume: () => source.resume(),
    cancel: () => source.cancel(),
  };
}
