import type { Config } from '../config/config.ts';
import type { Clock } from '../lib/clock.ts';
import { makeAdminClient } from './admin-client.ts';
import { findAdmin } from './admin-options.ts';
import { Complaint } from './complaint.ts';
import { type Finding, finding } from './diagnosis.ts';
import { expiryFinding } from './doctor-files.ts';
import type { Shell } from './shell.ts';

/**
 * Tells when the certificates end that a running gateway serves and no file shows: uploaded, ordered, and dev ones.
 *
 * @param data - folder of the admin token
 */
export async function examineServed(
  { listen: { admin } }: Config,
  data: string,
  shell: Shell,
  clock: Clock,
): Promise<Finding[]> {
  try {
    const url = admin.kind === 'unix' ? `unix:${admin.path}` : `https://${hostOf(admin.host)}:${admin.port}`;
    const list = await makeAdminClient(findAdmin({ admin: url, data }, shell)).call(
      'GET',
      '/v1/certificates',
    );
    if (!Array.isArray(list)) return [];
    return list.flatMap((item: unknown) => {
      const { name, notAfter, source } = textsOf(item);
      const endsAtMs = Date.parse(notAfter ?? '');
      if (name === undefined || source === 'files' || Number.isNaN(endsAtMs)) return [];
      return [expiryFinding(name, endsAtMs, clock)];
    });
  } catch (error) {
    if (!(error instanceof Complaint)) throw error;
    return [finding('ok', 'certificate', 'no gateway answers: only certificates in files were looked at')];
  }
}

function hostOf(host: string): string {
  const reachable = ['0.0.0.0', '::'].includes(host) ? '127.0.0.1' : host;
  return reachable.includes(':') ? `[${reachable}]` : reachable;
}

function textsOf(item: unknown): Readonly<Partial<Record<string, string>>> {
  if (typeof item !== 'object' || item === null) return {};
  return Object.fromEntries(
    Object.entries(item).filter((entry): entry is [string, string] => typeof entry[1] === 'string'),
  );
}
