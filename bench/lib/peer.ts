import type { Lab } from './lab.ts';

/** One way through one gateway: what is measured and compared. */
export interface Lane {
  readonly name: string;
  /** Process whose CPU time counts, with its descendants. */
  readonly pid: number;
  readonly url: string;
  readonly headers: Readonly<Record<string, string>>;
}

/** Starts a gateway and gives its lanes; none when its program is not installed. */
export type Peer = (lab: Lab, say: (line: string) => void) => Promise<readonly Lane[]>;
