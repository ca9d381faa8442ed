import { isMapping } from './check-shape.ts';
import type { Config } from './config.ts';
import { crossCheck } from './cross-checks.ts';
import { deepFreeze } from './deep-freeze.ts';
import type { ResolveContext } from './resolve-context.ts';
import { configuredMethods, resolveAuthenticate } from './schema/authenticate.ts';
import { resolveCertificates } from './schema/certificates.ts';
import { resolveListen } from './schema/listen.ts';
import { resolveObserve } from './schema/observe.ts';
import { RootSchema } from './schema/root.ts';
import { resolveRoutes } from './schema/routes.ts';
import { resolveState } from './schema/state.ts';
import { inlineUpstream, resolveUpstreams } from './schema/upstreams.ts';

/** Gives the configuration that a document means, or `undefined` when it has an error; every problem goes to the context. */
export function resolveConfig(input: unknown, file: string, context: ResolveContext): Config | undefined {
  if (input === null || input === undefined) {
    return context.error([], 'the file is empty', 'without a configuration file, start runs a demonstration');
  }
  if (!isMapping(input))
    return context.error([], 'must be a mapping of sections', 'listen, certificates, routes …');
  context.accepts(RootSchema, input, []);
  const listen = resolveListen(input.listen ?? {}, context);
  const state = resolveState(input.state ?? {}, context);
  const certificates = resolveCertificates(input.certificates ?? [], context);
  const authenticate = resolveAuthenticate(input.authenticate ?? {}, context);
  const upstreams = resolveUpstreams(input.upstreams ?? {}, context);
  const upstreamNames = new Set(isMapping(input.upstreams) ? Object.keys(input.upstreams) : []);
  const routes = resolveRoutes(
    input.routes ?? [],
    {
      methods: configuredMethods(input.authenticate),
      upstreamNames,
      certificateNames: writtenNames(input.authenticate),
      bodyBytes: listen?.limits.bodyBytes ?? 0,
      reauthMs: authenticate.config?.session.reauthMs ?? 0,
    },
    context,
  );
  const observe = resolveObserve(input.observe ?? {}, context);
  const { issuers, clientCertificates } = authenticate;
  crossCheck({ listen, certificates, issuers, clientCertificates, routes, upstreamNames, input }, context);
  for (const { value } of routes) {
    const inline = upstreams.has(value.upstream) ? undefined : inlineUpstream(value.upstream);
    if (inline !== undefined) upstreams.set(value.upstream, inline);
  }
  if (context.problems.some((problem) => problem.severity === 'error')) return undefined;
  if (!listen || !state || !authenticate.config || !observe) return undefined;
  return deepFreeze({
    listen,
    state,
    certificates: certificates.map((certificate) => certificate.value),
    authenticate: authenticate.config,
    upstreams,
    routes: routes.map((route) => route.value),
    observe,
    files: [file, ...context.files],
  });
}

/** Gives the names of all entries of `authenticate.certificate`, also of those that are wrong. */
function writtenNames(section: unknown): ReadonlySet<string> {
  const written: unknown = isMapping(section) ? section.certificate : undefined;
  const entries: readonly unknown[] = Array.isArray(written) ? written : [];
  const names = entries.map((entry) => (isMapping(entry) ? entry.name : undefined));
  return new Set(names.filter((name) => typeof name === 'string'));
}
