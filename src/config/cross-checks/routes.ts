import { isMapping } from '../check-shape.ts';
import type { RouteConfig } from '../config.ts';
import type { Draft } from '../cross-checks.ts';
import { dotted, type Placed } from '../key-path.ts';
import type { ResolveContext } from '../resolve-context.ts';

/** Notes routes that stand twice, public routes around protected ones, and a gateway without routes. */
export function checkRoutes(draft: Draft, context: ResolveContext): void {
  const byId = new Map<string, Placed<RouteConfig>>();
  for (const route of draft.routes) {
    const other = byId.get(route.value.id);
    if (other !== undefined) {
      context.error(route.path, `${route.value.id} is already routed`, `see ${dotted(other.path)}`);
    } else {
      byId.set(route.value.id, route);
    }
  }
  for (const route of byId.values()) {
    const around = route.value.public ? undefined : publicAround(route.value, byId);
    if (around === undefined) continue;
    context.warn(
      [...around.path, 'public'],
      `everything around the protected ${route.value.id} is public`,
      `paths that are spelled or added differently fall to ${around.value.id}`,
    );
  }
  checkMethods(draft, context);
  const written = draft.input.routes;
  if (written === undefined || (Array.isArray(written) && written.length === 0)) {
    context.warn(['routes'], 'there is no route: every request is answered with 404', 'add one under routes');
  }
}

/** Notes that nobody could sign in by themselves. */
function checkMethods(draft: Draft, context: ResolveContext): void {
  const written = draft.input.authenticate;
  const ways = ['token', 'basic', 'oidc', 'certificate'];
  if (isMapping(written) && ways.some((way) => written[way] !== undefined)) return;
  if (!draft.routes.some((route) => route.value.allow !== undefined)) return;
  context.warn(
    ['authenticate'],
    'only tokens that the gateway itself issues are accepted',
    'configure token, basic or oidc under authenticate',
  );
}

/** Gives the public route with the longest prefix above a route of the same host. */
function publicAround(
  route: RouteConfig,
  byId: ReadonlyMap<string, Placed<RouteConfig>>,
): Placed<RouteConfig> | undefined {
  let prefix = route.path;
  while (prefix !== '/') {
    prefix = prefix.slice(0, prefix.lastIndexOf('/')) || '/';
    const above = byId.get(`${route.host}${prefix}`);
    if (above !== undefined) return above.value.public ? above : undefined;
  }
  return undefined;
}
