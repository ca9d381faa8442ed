import {
  Histogram,
  type MetricObjectWithValues,
  type MetricValueWithName,
  type Registry,
} from '@prometheus-io/client';

/** One series of a spread. */
export interface SpreadCell {
  /** Notes one duration, milliseconds. */
  observe(ms: number): void;
}

const BOUNDS_SEC = [0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30];
const BOUNDS_MS = BOUNDS_SEC.map((bound) => bound * 1000);

/**
 * A histogram of durations per route, in seconds when scraped, whose series are typed arrays held by the caller.
 * The library's own `observe` looks a text key up and counts under object keys on every call.
 */
export class Spread {
  readonly #cells: SpreadEntry[] = [];

  constructor(registry: Registry, name: string, help: string) {
    new SpreadExport(name, help, registry, this.#cells);
  }

  /** Gives a new series; the caller asks once per route and keeps it. */
  series(route: string): SpreadCell {
    const cell = new BinCell();
    this.#cells.push({ route, cell });
    return cell;
  }
}

interface SpreadEntry {
  readonly route: string;
  readonly cell: BinCell;
}

class BinCell implements SpreadCell {
  readonly bins = new Float64Array(BOUNDS_MS.length + 1);
  sumMs = 0;

  observe(ms: number): void {
    let bin = 0;
    while (bin < BOUNDS_MS.length && ms > (BOUNDS_MS[bin] ?? 0)) bin++;
    this.bins[bin] = (this.bins[bin] ?? 0) + 1;
    this.sumMs += ms;
  }
}

class SpreadExport extends Histogram<'route'> {
  readonly #shape: Omit<MetricObjectWithValues<MetricValueWithName<'route'>>, 'values'>;
  readonly #cells: readonly SpreadEntry[];

  constructor(name: string, help: string, registry: Registry, cells: readonly SpreadEntry[]) {
    super({ name, help, labelNames: ['route'], buckets: BOUNDS_SEC, registers: [registry] });
    this.#shape = { name, help, type: 'histogram', aggregator: 'sum', collect: () => undefined };
    this.#cells = cells;
  }

  override async get(): Promise<MetricObjectWithValues<MetricValueWithName<'route'>>> {
    const { name } = this.#shape;
    return { ...this.#shape, values: this.#cells.flatMap(({ route, cell }) => rows(name, route, cell)) };
  }

  /** The registry prefers this method, which the library's types do not name, when it writes text. */
  getForPromString(): Promise<MetricObjectWithValues<MetricValueWithName<'route'>>> {
    return this.get();
  }
}

function rows(name: string, route: string, cell: BinCell): MetricValueWithName<'route'>[] {
  let count = 0;
  const buckets = [...BOUNDS_SEC, '+Inf'].map((le, bin) => {
    count += cell.bins[bin] ?? 0;
    return { metricName: `${name}_bucket`, labels: { route, le }, value: count };
  });
  return [
    ...buckets,
    { metricName: `${name}_sum`, labels: { route }, value: cell.sumMs / 1000 },
    { metricName: `${name}_count`, labels: { route }, value: count },
  ];
}
