import { isMapping } from '../check-shape.ts';
import type { Draft } from '../cross-checks.ts';
import type { ResolveContext } from '../resolve-context.ts';

/** Notes upstreams that no route, not even a wrong one, names. */
export function checkUpstreams(draft: Draft, context: ResolveContext): void {
  const routes: unknown = draft.input.routes;
  const used = new Set<unknown>();
  for (const route of Array.isArray(routes) ? routes : []) if (isMapping(route)) used.add(route.upstream);
  for (const name of draft.upstreamNames) {
    if (!used.has(name)) context.warn(['upstreams', name], 'no route uses this upstream');
  }
}
