import type { AdminClient } from './admin-client.ts';
import { Complaint } from './complaint.ts';
import type { Shell } from './shell.ts';
import { printJson } from './table.ts';

/** Removes an upload and tells what is served under its name now. */
export async function removeCertificate(
  name: string,
  { client, json }: { readonly client: AdminClient; readonly json: boolean | undefined },
  shell: Shell,
): Promise<void> {
  const path = `/v1/certificates/${encodeURIComponent(name)}`;
  await client.call('DELETE', path);
  const now = await servedNow(path, client);
  if (json === true) {
    printJson({ name, removed: true, now: now ?? null }, shell);
    return;
  }
  shell.out(`the upload of ${name} is removed\n`);
  if (now === undefined) shell.out('nothing is served under this name any more\n');
  else shell.out(`${name} now serves ${now.fingerprint256} (${now.source})\n`);
}

async function servedNow(
  path: string,
  client: AdminClient,
): Promise<{ readonly fingerprint256: unknown; readonly source: unknown } | undefined> {
  try {
    const { fingerprint256, source } = Object(await client.call('GET', path));
    return { fingerprint256, source };
  } catch (error) {
    if (error instanceof Complaint && error.reason === 'not-found') return undefined;
    throw error;
  }
}
