import type { Duplex } from 'node:stream';
import { type ByteSource, isSource } from './byte-source.ts';

/** Gives up what nobody takes any more, so that the connection behind it is not held. */
export function release({
  body,
  tunnel,
}: {
  readonly body: ByteSource | Uint8Array | null;
  readonly tunnel?: Duplex;
}): void {
  if (isSource(body)) body.cancel();
  tunnel?.destroy();
}
