import type { ServerHttp2Session, ServerHttp2Stream } from 'node:http2';
import type { LimitsConfig } from '../config/config.ts';

/**
 * Gives a function that closes HTTP/2 sessions on which no stream is open for too long: `headerTimeoutMs` before the
 * first stream, `keepAliveMs` after one. Bytes of unfinished frames do not count as life, so a client that drips its
 * headers is closed as well.
 */
export function sessionWatch(limits: LimitsConfig): (session: ServerHttp2Session) => void {
  return (session) => {
    let open = 0;
    let timer = arm(session, limits.headerTimeoutMs);
    session.on('stream', (stream: ServerHttp2Stream) => {
      open++;
      clearTimeout(timer);
      stream.once('close', () => {
        open--;
        if (open === 0 && !session.closed) timer = arm(session, limits.keepAliveMs);
      });
    });
    session.once('close', () => clearTimeout(timer));
  };
}

function arm(session: ServerHttp2Session, ms: number): NodeJS.Timeout | undefined {
  if (ms === 0) return undefined;
  const timer = setTimeout(() => {
    session.close();
    // GOAWAY needs a client that listens; one that does not is cut off.
    setTimeout(() => session.destroy(), 1_000).unref();
  }, ms);
  return timer.unref();
}
