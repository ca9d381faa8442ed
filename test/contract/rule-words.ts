import assert from 'node:assert/strict';
import { setTimeout as sleep } from 'node:timers/promises';
import { GatewayError } from '../../src/errors.ts';
import type { StoredEvent } from '../../src/state/store.ts';

/** Gives the UTF-8 bytes of a text. */
export function bytes(text: string): Uint8Array {
  return new TextEncoder().encode(text);
}

/** Gives the text of UTF-8 bytes; `undefined` for none. */
export function text(value: Uint8Array | undefined): string | undefined {
  return value === undefined ? undefined : new TextDecoder().decode(value);
}

/** Gives the texts of events, in order. */
export function texts(events: readonly StoredEvent[]): readonly string[] {
  return events.map((event) => text(event.value) ?? '');
}

/** Waits until a condition holds. @throws an assertion error after `ms` */
export async function until(condition: () => boolean, ms: number, what: string): Promise<void> {
  const end = performance.now() + ms;
  while (!condition()) {
    assert.ok(performance.now() < end, `${what} within ${ms} ms`);
    await sleep(5);
  }
}

/** Accepts an error of the gateway with this code. */
export function code(wanted: string): (thrown: unknown) => boolean {
  return (thrown) => {
    assert.ok(thrown instanceof GatewayError, String(thrown));
    assert.equal(thrown.code, wanted);
    return true;
  };
}

/** Gives the texts `1` to `count`. */
export function numbers(count: number, first = 1): readonly string[] {
  return Array.from({ length: count }, (_, index) => String(index + first));
}
