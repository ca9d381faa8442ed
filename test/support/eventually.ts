import assert from 'node:assert/strict';
import { setTimeout as sleep } from 'node:timers/promises';

/** Waits until a condition holds; fails with what was waited for after the bound. */
export async function eventually(
  what: string,
  holds: () => boolean | Promise<boolean>,
  boundMs = 5_000,
): Promise<void> {
  const end = performance.now() + boundMs;
  while (!(await holds())) {
    if (performance.now() > end) assert.fail(`did not happen within ${boundMs} ms: ${what}`);
    await sleep(10);
  }
}
