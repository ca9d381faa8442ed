/** How many lines are written, and who is told of the others. */
export interface LineBudgetOptions {
  /** Of one kind in a window; at least 1. */
  readonly lines: number;
  readonly windowMs: number;
}

interface Window {
  left: number;
  leftOut: number;
  readonly timer: NodeJS.Timeout;
  readonly onLeftOut: (count: number) => void;
}

/**
 * Lets the first lines of a kind pass in every window of time, and counts the others.
 *
 * Security: kinds come from closed sets or from the configuration; one per client would be kept for a window.
 */
export class LineBudget {
  readonly #options: LineBudgetOptions;
  readonly #windows = new Map<string, Window>();

  constructor(options: LineBudgetOptions) {
    this.#options = options;
  }

  /**
   * Tells whether a line may be written; the window of a kind begins with its first line.
   *
   * @param onLeftOut - called when the window is over and something was left out
   */
  takes(kind: string, onLeftOut: (count: number) => void): boolean {
    const window = this.#windows.get(kind) ?? this.#open(kind, onLeftOut);
    if (window.left > 0) {
      window.left--;
      return true;
    }
    window.leftOut++;
    return false;
  }

  /** Ends every window now. */
  close(): void {
    for (const kind of this.#windows.keys()) this.#end(kind);
  }

  #open(kind: string, onLeftOut: (count: number) => void): Window {
    const { lines, windowMs } = this.#options;
    const timer = setTimeout(() => this.#end(kind), windowMs).unref();
    const window: Window = { left: lines, leftOut: 0, timer, onLeftOut };
    this.#windows.set(kind, window);
    return window;
  }

  #end(kind: string): void {
    const window = this.#windows.get(kind);
    if (window === undefined) return;
    clearTimeout(window.timer);
    this.#windows.delete(kind);
    if (window.leftOut > 0) window.onLeftOut(window.leftOut);
  }
}
