import { randomBytes } from 'node:crypto';
import { chmod, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Foundation } from './foundation.ts';

const USER = 'alice';

/** Makes sure of the demonstration's one account and gives its password, which is kept in the data folder (mode 0600). */
export async function demonstrationAccount({
  accounts,
  dataFolder,
}: Foundation): Promise<{ readonly user: string; readonly password: string }> {
  const file = join(dataFolder, 'demonstration-password');
  let password = await readFile(file, 'utf8').then(
    (text) => text.trim(),
    () => '',
  );
  if (password === '') {
    password = randomBytes(12).toString('base64url');
    await writeFile(file, `${password}\n`, { mode: 0o600 });
    await chmod(file, 0o600);
  }
  await accounts.put(USER, { password, groups: ['staff'], email: 'alice@example.com' });
  return { user: USER, password };
}
