import { GatewayError } from '../errors.ts';

/** Gives a reply that is a list. @throws SP_STATE_CORRUPT when it is anything else */
export function asList(reply: unknown): readonly unknown[] {
  if (Array.isArray(reply)) return reply;
  throw unexpected('a list');
}

/** Gives a reply that is a whole number, written as one or as text. @throws SP_STATE_CORRUPT when it is anything else */
export function asInteger(reply: unknown): number {
  const value = Buffer.isBuffer(reply) ? Number(reply.toString('latin1')) : reply;
  if (typeof value === 'number' && Number.isSafeInteger(value)) return value;
  throw unexpected('a whole number');
}

/** Gives a reply that is bytes. @throws SP_STATE_CORRUPT when it is anything else */
export function asBytes(reply: unknown): Uint8Array {
  // A copy of its own: the reply is a view into a buffer that it would keep alive.
  if (Buffer.isBuffer(reply)) return new Uint8Array(reply);
  throw unexpected('bytes');
}

/** Gives a reply that is text. @throws SP_STATE_CORRUPT when it is anything else */
export function asText(reply: unknown): string {
  if (Buffer.isBuffer(reply)) return reply.toString('utf8');
  throw unexpected('text');
}

function unexpected(wanted: string): GatewayError {
  return new GatewayError('SP_STATE_CORRUPT', {
    detail: `Redis holds something else than ${wanted} under a key of the gateway`,
    reason: 'reply',
  });
}
