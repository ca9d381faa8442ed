import type { Verdict } from './method.ts';

interface Flight {
  readonly mark: number;
  readonly verdict: Promise<Verdict>;
}

/** Lets requests that bring the same credential at once wait for one verification. */
export class Flights {
  readonly #underWay = new Map<string, Flight>();

  /**
   * Joins the verification of this key, or starts one.
   *
   * @param mark - the cache's mark. Security: one that began at another mark is not joined, since what it relies on may
   *   have ended since.
   */
  join(key: string, mark: number, verify: () => Promise<Verdict>): Promise<Verdict> {
    const joined = this.#underWay.get(key);
    if (joined !== undefined && joined.mark === mark) return joined.verdict;
    const flight: Flight = { mark, verdict: verify() };
    this.#underWay.set(key, flight);
    const leave = () => {
      if (this.#underWay.get(key) === flight) this.#underWay.delete(key);
    };
    flight.verdict.then(leave, leave);
    return flight.verdict;
  }
}
