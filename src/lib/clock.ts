/** Source of wall-clock time, milliseconds since the epoch. An argument everywhere, so that tests can move it. */
export type Clock = () => number;

/** The machine's clock. */
export const systemClock: Clock = () => Date.now();
