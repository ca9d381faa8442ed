import { asGatewayError } from '../errors.ts';
import { canonicalName } from './account-name.ts';
import { hashScheme } from './password-hash.ts';

/** One user of an htpasswd file. */
export interface HtpasswdEntry {
  /** Canonical. */
  readonly name: string;
  readonly hash: string;
  /** 1-based. */
  readonly line: number;
}

/** What an import did. */
export interface HtpasswdImport {
  readonly added: number;
  readonly updated: number;
  readonly unchanged: number;
  /** What was left out and why, `line 3: ...`; never a hash, nor the text of a line. */
  readonly problems: readonly string[];
}

/** What the import needs of the accounts. */
export interface HashImporter {
  importHash(name: string, passwordHash: string): Promise<'added' | 'updated' | 'unchanged'>;
}

/** Reads an htpasswd file: `name:hash` lines; blank lines and comments (`#`) are skipped. A name counts where it stands first. */
export function parseHtpasswd(text: string): {
  readonly entries: readonly HtpasswdEntry[];
  readonly problems: readonly string[];
} {
  const entries = new Map<string, HtpasswdEntry>();
  const problems: string[] = [];
  for (const [index, raw] of text
    .replace(/^\uFEFF/, '')
    .split(/\r\n|\n|\r/)
    .entries()) {
    const content = raw.trim();
    if (content === '' || content.startsWith('#')) continue;
    const line = index + 1;
    const entry = parseLine(content, line);
    if (typeof entry === 'string') {
      problems.push(`line ${line}: ${entry}`);
      continue;
    }
    const first = entries.get(entry.name);
    if (first === undefined) entries.set(entry.name, entry);
    else problems.push(`line ${line}: the name stands on line ${first.line} already, which counts`);
  }
  return { entries: [...entries.values()], problems };
}

/**
 * Imports the users of an htpasswd file: adds those without account and follows those whose line has another hash than
 * at the last import. Accounts made or given another password here stay so; one removed here comes back while the file
 * names it.
 *
 * @throws SP_STATE_UNREACHABLE when the state went away; what was imported until then stays
 */
export async function importHtpasswd(text: string, accounts: HashImporter): Promise<HtpasswdImport> {
  const { entries, problems: unread } = parseHtpasswd(text);
  const counts = { added: 0, updated: 0, unchanged: 0 };
  const problems = [...unread];
  for (const { name, hash, line } of entries) {
    try {
      counts[await accounts.importHash(name, hash)] += 1;
    } catch (error) {
      const { code } = asGatewayError(error);
      if (code !== 'SP_STATE_CORRUPT') throw error;
      problems.push(`line ${line}: the account's record cannot be read; remove the account and import again`);
    }
  }
  return { ...counts, problems };
}

function parseLine(content: string, line: number): HtpasswdEntry | string {
  const colon = content.indexOf(':');
  if (colon < 0) return 'no colon between name and hash';
  const name = canonicalName(content.slice(0, colon));
  if (name === undefined) return 'the name is empty, too long, or has characters that cannot be seen';
  const hash = content.slice(colon + 1).trim();
  if (hashScheme(hash) !== undefined) return { name, hash, line };
  if (/^\$(?:argon2|2[abxy]\$|apr1\$)|^\{SHA\}/.test(hash)) return 'the hash is malformed or costs too much';
  return 'only argon2id, bcrypt, apr1 and SHA hashes are accepted, not crypt(3) or plain text; make a new one with htpasswd -B';
}
