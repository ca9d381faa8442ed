import type { Duplex } from 'node:stream';

/** What went through a tunnel once it is over. */
export interface TunnelEnd {
  readonly bytesOut: number;
}

/**
 * Joins the client's end of a WebSocket with the upstream's, byte by byte, until either ends.
 *
 * @param idleMs - longest silence in both directions; 0 for no bound
 * @param onEnd - called once, when both ends are gone
 *
 * Security: frames are not parsed, so nothing here can disagree with the upstream about them.
 */
export function joinTunnel(
  client: Duplex,
  upstream: Duplex,
  idleMs: number,
  onEnd: (end: TunnelEnd) => void,
): void {
  let bytesOut = 0;
  let timer: NodeJS.Timeout | undefined;
  let open = 2;
  const destroyBoth = (): void => {
    client.destroy();
    upstream.destroy();
  };
  if (idleMs > 0) timer = setTimeout(destroyBoth, idleMs).unref();
  const closed = (other: Duplex) => (): void => {
    // What was read already still has to reach the other end; its own close follows.
    other.end();
    setTimeout(() => other.destroy(), 1_000).unref();
    open--;
    if (open > 0) return;
    clearTimeout(timer);
    onEnd({ bytesOut });
  };
  client.on('data', () => timer?.refresh());
  upstream.on('data', (chunk: Buffer) => {
    bytesOut += chunk.length;
    timer?.refresh();
  });
  client.on('error', destroyBoth);
  upstream.on('error', destroyBoth);
  client.once('close', closed(upstream));
  upstream.once('close', closed(client));
  client.pipe(upstream);
  upstream.pipe(client);
}
