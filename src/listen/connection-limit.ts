import type { Socket } from 'node:net';
import { ipPrefix } from '../lib/ip-prefix.ts';

/**
 * Gives a gate that counts open connections per client address, of IPv6 per /64, and refuses those beyond the limit.
 *
 * @param limit - most connections per address; 0 for no limit
 * @returns a function that tells whether the connection may stay
 */
export function connectionLimit(limit: number): (socket: Socket) => boolean {
  const open = new Map<string, number>();
  return (socket) => {
    const address = ipPrefix(socket.remoteAddress ?? '');
    const count = (open.get(address) ?? 0) + 1;
    if (limit > 0 && count > limit) return false;
    open.set(address, count);
    socket.once('close', () => {
      const left = (open.get(address) ?? 1) - 1;
      if (left === 0) open.delete(address);
      else open.set(address, left);
    });
    return true;
  };
}
