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
  const { limits } = listen;
  return {
    'listen.https': listen.https,
    'listen.http': listen.http,
    'listen.admin': listen.admin,
    'listen.adminCertificate': listen.adminCertificate,
    'listen.adminHosts': listen.adminHosts,
    'listen.tls': listen.tls,
    'listen.limits.headerBytes': limits.headerBytes,
    'listen.limits.headerCount': limits.headerCount,
    'listen.limits.urlBytes': limits.urlBytes,
    'listen.limits.headerTimeout': limits.headerTimeoutMs,
    'listen.limits.bodyIdle': limits.bodyIdleMs,
    'listen.limits.keepAlive': limits.keepAliveMs,
    'listen.limits.handshake': limits.handshakeMs,
    'listen.limits.connectionsPerAddress': limits.connectionsPerAddress,
    'listen.limits.streamsPerConnection': limits.streamsPerConnection,
    state,
  };
}
