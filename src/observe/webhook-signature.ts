import { createHmac } from 'node:crypto';
import type { Secret } from '../lib/secret.ts';

/**
 * Gives the value of `X-Sallyport-Signature`: `t=<unix seconds>,v1=<hex of HMAC-SHA256 over "<t>.<body>">`.
 *
 * Security: the time is signed with the body, so that a receiver can refuse what was recorded and is sent again later.
 *
 * @param nowMs - milliseconds since the epoch
 */
export function signNotice(secret: Secret, body: string, nowMs: number): string {
  const seconds = Math.floor(nowMs / 1000);
  const mac = createHmac('sha256', secret.reveal()).update(`${seconds}.${body}`).digest('hex');
  return `t=${seconds},v1=${mac}`;
}
