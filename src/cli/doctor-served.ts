import type { Config } from '../config/config.ts';
import { makeAdminClient } from './admin-client.ts';
import { findAdmin } from './admin-options.ts';
import { Complaint } from './complaint.ts';
import { type Finding, finding } from './diagnosis.ts';
import type { Shell } from './shell.ts';
import { type Row, rowsOf } from './table.ts';

/** A certificate as a running gateway tells of it. */
export interface ToldCertificate {
  readonly name: string;
  readonly source: string;
  readonly served: boolean;
  readonly problems: readonly string[];
  /** NaN when it is not known. */
  readonly endsAtMs: number;
  readonly fingerprint256: string;
}

/** What a running gateway told, and what there is to say of the asking. */
export interface Told {
  readonly certificates: readonly ToldCertificate[];
  readonly found: readonly Finding[];
}

const UNSEEN = 'only certificates in files were looked at';

/**
 * Asks a running gateway which certificates it serves. That nobody listens is fine; that somebody does and does not tell is not.
 *
 * @param data - folder of the admin token
 */
export async function askServed(config: Config, data: string, shell: Shell): Promise<Told> {
  const { admin } = config.listen;
  if (admin.kind !== 'unix' && admin.port === 0) {
    const text = `the port of listen.admin is 0, so it is chosen at the start and cannot be known: ${UNSEEN}`;
    return { certificates: [], found: [finding('ok', 'certificate', text)] };
  }
  try {
    const list = await call(config, data, shell, '/v1/certificates');
    if (!Array.isArray(list)) throw new Complaint('What answers at the admin address is no gateway');
    return { certificates: rowsOf(list).map(toldOf), found: [] };
  } catch (error) {
    if (!(error instanceof Complaint)) throw error;
    return { certificates: [], found: [await why(error, config, data, shell)] };
  }
}

async function why(error: Complaint, config: Config, data: string, shell: Shell): Promise<Finding> {
  const { message, remedy, reason } = error;
  if (reason === 'not-running') return finding('ok', 'certificate', `no gateway answers: ${UNSEEN}`);
  if (reason === 'no-token' && !(await isRunning(config, data, shell)))
    return finding('ok', 'certificate', `no gateway answers: ${UNSEEN}`);
  const what = {
    'no-token': 'a gateway answers, but there is no admin token to ask it with',
    unauthorized: 'the gateway refuses the admin token',
    'not-found': message,
    none: message,
  }[reason ?? 'none'];
  return finding('warn', 'certificate', `${what}: ${UNSEEN}${remedy === undefined ? '' : `; ${remedy}`}`);
}

/** Security: no token is sent, and none is needed for this path. */
async function isRunning(config: Config, data: string, shell: Shell): Promise<boolean> {
  try {
    const nobody = { ...shell, env: { ...shell.env, SALLYPORT_ADMIN_TOKEN: 'none' } };
    await call(config, data, nobody, '/healthz');
    return true;
  } catch (error) {
    return !(error instanceof Complaint && error.reason === 'not-running');
  }
}

function call({ listen: { admin } }: Config, data: string, shell: Shell, path: string): Promise<unknown> {
  const url = admin.kind === 'unix' ? `unix:${admin.path}` : `https://${hostOf(admin.host)}:${admin.port}`;
  return makeAdminClient(findAdmin({ admin: url, data }, shell)).call('GET', path);
}

function hostOf(host: string): string {
  const reachable = ['0.0.0.0', '::'].includes(host) ? '127.0.0.1' : host;
  return reachable.includes(':') ? `[${reachable}]` : reachable;
}

function toldOf(row: Row): ToldCertificate {
  return {
    name: String(row.name),
    source: String(row.source),
    served: row.served !== false,
    problems: Array.isArray(row.problems) ? row.problems.map(String) : [],
    endsAtMs: Date.parse(String(row.notAfter)),
    fingerprint256: String(row.fingerprint256),
  };
}
