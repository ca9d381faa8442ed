import { X509Certificate } from 'node:crypto';
import { join } from 'node:path';
import type { Clock } from '../lib/clock.ts';
import { type CertificatePair, checkPair } from './certificate.ts';
import { type DevCa, issueDevLeaf } from './dev-ca.ts';
import { canonicalName, wildcardOf } from './host-name.ts';
import { readIfThere, replaceFile } from './private-file.ts';
import { readOpenPair } from './reading.ts';

/** Where a dev certificate lies and what it shall say. */
export interface DevLeafPlace {
  readonly folder: string;
  /** Name of the certificate: the file is `dev-<name>.pem`. */
  readonly name: string;
  readonly names: readonly string[];
  readonly keyType: 'ecdsa' | 'rsa';
}

/** A leaf is made anew when less than this is left of its 90 days. */
const RENEW_BEFORE_MS = 30 * 24 * 3600_000;

function usable(text: string, place: DevLeafPlace, ca: DevCa): CertificatePair | undefined {
  const reading = readOpenPair({ certificate: text, key: text });
  const { pair, problems } = checkPair(reading, { hosts: place.names, now: ca.clock() });
  const [leaf] = reading.certificates;
  if (pair === undefined || problems.length > 0 || leaf === undefined) return undefined;
  const wanted = new Set(place.names.map((name) => canonicalName(name)));
  const same = pair.names.length === wanted.size && pair.names.every((name) => wanted.has(name));
  const ours = leaf.verify(new X509Certificate(ca.certificate).publicKey);
  return same && ours && pair.keyType === place.keyType && !isDue(pair, ca.clock) ? pair : undefined;
}

/**
 * Gives the names of a dev certificate: those of its configuration, and each host that only a wildcard right under a
 * top-level name covers. Clients do not take `*.localhost` for `a.localhost`, so the host is named in full.
 */
export function devNames(names: readonly string[], hosts: readonly string[]): readonly string[] {
  const added = hosts.filter((host) => {
    const wildcard = wildcardOf(host);
    return wildcard?.split('.').length === 2 && names.includes(wildcard);
  });
  return [...new Set([...names, ...added])];
}

/** Whether a dev certificate should be made anew. */
export function isDue(pair: CertificatePair, clock: Clock): boolean {
  return pair.notAfterMs - clock() < RENEW_BEFORE_MS;
}

/**
 * Gives the dev certificate of a name from its file (mode 0600), and makes it when it is absent, damaged, for other names,
 * of another CA or due. Processes on one folder use the same file.
 */
export async function loadOrMakeDevLeaf(place: DevLeafPlace, ca: DevCa): Promise<CertificatePair> {
  const path = join(place.folder, `dev-${place.name}.pem`);
  const text = await readIfThere(path);
  const kept = text === undefined ? undefined : usable(text, place, ca);
  if (kept !== undefined) return kept;
  const made = await issueDevLeaf(ca, { names: place.names, keyType: place.keyType });
  await replaceFile(path, made.key + made.certificate, 0o600);
  // Another process may have written after us: what the file holds is what counts.
  const written = usable((await readIfThere(path)) ?? '', place, ca);
  if (written === undefined) throw new Error(`the dev certificate ${place.name} could not be made`);
  return written;
}
