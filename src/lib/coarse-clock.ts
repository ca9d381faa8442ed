/** A clock that is read for nothing: milliseconds since its start, moved on by a timer every `tickMs`. */
export interface CoarseClock {
  /** At most one tick behind. */
  readonly nowMs: number;
  readonly tickMs: number;
  /** Calls back on every tick until the returned function is called. */
  onTick(listener: () => void): () => void;
  stop(): void;
}

/** Starts a coarse clock; its timer does not keep the process alive. */
export function startCoarseClock(tickMs: number): CoarseClock {
  const listeners = new Set<() => void>();
  const startedAt = performance.now();
  const clock = {
    nowMs: 0,
    tickMs,
    onTick(listener: () => void) {
      listeners.add(listener);
      return () => {
        listeners.delete(listener);
      };
    },
    stop() {
      clearInterval(timer);
      listeners.clear();
    },
  };
  const timer = setInterval(() => {
    clock.nowMs = performance.now() - startedAt;
    for (const listener of listeners) listener();
  }, tickMs);
  timer.unref();
  return clock;
}
