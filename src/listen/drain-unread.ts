import type { IncomingMessage } from 'node:http';

/** Bounds of what is read and thrown away; a client told to stop has long stopped by then. */
const MAX_UNREAD_BYTES = 16 * 1024 * 1024;
const MAX_LINGER_MS = 5_000;

/**
 * Reads the rest of a request body that nobody wants and throws it away, so that the client sees its answer: closing at
 * once would reset the connection under it (RFC 9112 §9.6).
 *
 * @param done - called once: when the body is over, or when it exceeds what is thrown away
 */
export function drainUnread(req: IncomingMessage, done: (complete: boolean) => void): void {
  let unread = 0;
  let over = false;
  const finish = (): void => {
    if (over) return;
    over = true;
    clearTimeout(timer);
    req.off('data', count);
    done(req.complete);
  };
  const count = (chunk: Buffer): void => {
    unread += chunk.length;
    if (unread > MAX_UNREAD_BYTES) finish();
  };
  const timer = setTimeout(finish, MAX_LINGER_MS).unref();
  req.on('data', count);
  req.once('end', finish);
  req.once('close', finish);
  req.resume();
}
