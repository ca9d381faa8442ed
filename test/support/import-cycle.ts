import type { ImportLine } from './import-lines.ts';

/** Gives one cycle as the list of its files, first file repeated at the end, or `undefined` when there is none. */
export function findCycle(lines: readonly ImportLine[]): readonly string[] | undefined {
  const next = Map.groupBy(lines, (line) => line.from);
  const finished = new Set<string>();

  const visit = (file: string, trail: readonly string[]): readonly string[] | undefined => {
    if (trail.includes(file)) return [...trail.slice(trail.indexOf(file)), file];
    if (finished.has(file)) return undefined;
    for (const line of next.get(file) ?? []) {
      const cycle = visit(line.to, [...trail, file]);
      if (cycle !== undefined) return cycle;
    }
    finished.add(file);
    return undefined;
  };

  for (const file of next.keys()) {
    const cycle = visit(file, []);
    if (cycle !== undefined) return cycle;
  }
  return undefined;
}
