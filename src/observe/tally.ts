import { Counter, type Registry } from '@prometheus-io/client';

/** One series of a tally: `count` grows by plain addition on the hot path. */
export interface TallyCell {
  count: number;
}

/**
 * A counter whose series are plain objects held by the caller; the metrics library sees them only when it is scraped.
 * The library's own `inc` costs a label check and a key made of strings on every call.
 */
export class Tally {
  readonly #cells: { readonly labels: Record<string, string>; readonly cell: TallyCell; seen: number }[] = [];

  constructor(registry: Registry, name: string, help: string, labelNames: readonly string[]) {
    const cells = this.#cells;
    new Counter<string>({
      name,
      help,
      labelNames: [...labelNames],
      registers: [registry],
      collect() {
        for (const entry of cells) {
          this.inc(entry.labels, entry.cell.count - entry.seen);
          entry.seen = entry.cell.count;
        }
      },
    });
  }

  /** Gives a new series, from 0; the caller asks once per label set and keeps it. */
  series(labels: Record<string, string>): TallyCell {
    const cell = { count: 0 };
    this.#cells.push({ labels, cell, seen: 0 });
    return cell;
  }
}
