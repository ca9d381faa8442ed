/** Tells which methods a path would take, so that a wrong method is told from a wrong path. */
export interface KnownPaths {
  /** @param pattern - as given to Fastify, `:name` stands for one segment */
  add(pattern: string, methods: string | readonly string[]): void;
  /** Gives the methods of a path without query, sorted; empty when there is no such path. */
  methodsOf(path: string): string[];
}

/** Gives an empty list of paths. */
export function makeKnownPaths(): KnownPaths {
  const known = new Map<string, { readonly test: RegExp; readonly methods: Set<string> }>();
  return {
    add(pattern, methods) {
      const source = pattern.replaceAll(/[.*+?^${}()|[\]\\]/g, '\\$&').replaceAll(/:[a-z]+/gi, '[^/]+');
      const entry = known.get(pattern) ?? { test: new RegExp(`^${source}$`), methods: new Set<string>() };
      for (const method of [methods].flat()) entry.methods.add(method);
      known.set(pattern, entry);
    },
    methodsOf(path) {
      return [...known.values()]
        .filter((entry) => entry.test.test(path))
        .flatMap((entry) => [...entry.methods])
        .sort();
    },
  };
}
