import type { Config } from '../config/config.ts';
import { sameSettings } from '../lib/same-settings.ts';

/**
 * Says which settings of a configuration a reload cannot apply, by their keys in the file; everything else it applies.
 *
 * @param started - the configuration that the process was started with
 */
export function restartNotes(config: Config, started: Config): readonly string[] {
  const waiting = Object.entries(lasting(started)).filter(
    ([key, setting]) => !sameSettings(setting, lasting(config)[key]),
  );
  if (waiting.length === 0) return [];
  return [`changed, but applied by a restart only: ${waiting.map(([key]) => key).join(', ')}`];
}

/** Gives the settings that are taken once: what listens, what a connection may do before its request is read, and the state. */
function lasting({ listen, state }: Config): Readonly<Record<string, unknown>> {
  // A body is bounded by its route.
  const { bodyBytes: _, ...limits } = listen.limits;
  // In the file a time has its unit in its value, not in its name.
  const named = Object.entries(limits).map(
    ([name, limit]) => [`listen.limits.${name.replace(/Ms$/, '')}`, limit] as const,
  );
  return {
    'listen.https': listen.https,
    'listen.http': listen.http,
    'listen.admin': listen.admin,
    'listen.adminCertificate': listen.adminCertificate,
    'listen.adminHosts': listen.adminHosts,
    'listen.tls': listen.tls,
    ...Object.fromEntries(named),
    state,
  };
}
