/** How long a client may be silent. */
export interface Silence {
  /** Longest silence on a tunnel, milliseconds; asked when the route is known. */
  readonly streamIdleMs: () => number;
  /** Longest time in which it takes none of its answer, milliseconds; 0 for no bound. */
  readonly stallMs: number;
}
