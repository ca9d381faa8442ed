import { monitorEventLoopDelay } from 'node:perf_hooks';

/** What a piece of work gave, and how it treated everybody else. */
export interface Watched<T> {
  readonly result: T;
  /** Longest time for which nothing else could run, milliseconds. */
  readonly longestMs: number;
  /** How often something else could run. */
  readonly turns: number;
}

/** Does work and watches the event loop meanwhile. */
export async function watchLoop<T>(work: () => Promise<T>): Promise<Watched<T>> {
  let turns = 0;
  const delays = monitorEventLoopDelay({ resolution: 1 });
  const timer = setInterval(() => turns++, 1);
  delays.enable();
  // One round before, so that what was there to be done is done.
  await new Promise((resolve) => setTimeout(resolve, 5));
  delays.reset();
  turns = 0;
  try {
    const result = await work();
    const counted = turns;
    await new Promise((resolve) => setTimeout(resolve, 5));
    return { result, longestMs: delays.max / 1e6, turns: counted };
  } finally {
    delays.disable();
    clearInterval(timer);
  }
}
