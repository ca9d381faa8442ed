import type { RouteConfig } from '../../../src/config/config.ts';
import { parseConfig } from '../../../src/config/load.ts';

let template: RouteConfig | undefined;

/** Gives a route of default settings, changed where a test says so. */
export function routeConfig(change: Partial<RouteConfig>): RouteConfig {
  template ??= parseConfig('routes: [{ host: h.test, upstream: "internal:whoami", public: true }]', {
    file: '/nowhere/test.yaml',
    env: {},
  }).config?.routes[0];
  if (template === undefined) throw new Error('the template has errors');
  return { ...template, ...change };
}
