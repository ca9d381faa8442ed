import { randomBytes } from 'node:crypto';
import { link, mkdir, open, readFile, stat, unlink } from 'node:fs/promises';
import { dirname } from 'node:path';
import { GatewayError } from '../errors.ts';
import { Secret } from '../lib/secret.ts';

export interface AdminTokenSource {
  /** Value of SALLYPORT_ADMIN_TOKEN; it wins over the file. */
  readonly env: string | undefined;
  /** Where the token is kept, and made when it is not there. */
  readonly file: string;
}

const SHORTEST = 16;
const TOKEN = /^[A-Za-z0-9._~+/-]+=*$/;

/**
 * Gives the admin token of the environment, or of the file; makes the file (32 random bytes, mode 0600) when it is missing.
 *
 * @throws SP_CONFIG_INVALID when the token is too short or the file may be read by others
 */
export async function loadAdminToken({ env, file }: AdminTokenSource): Promise<Secret> {
  if (env !== undefined && env !== '') return checked(env, 'SALLYPORT_ADMIN_TOKEN');
  return (await readAdminToken(file)) ?? (await createToken(file));
}

/** Gives the token of a file, or `undefined` when there is no such file. @throws SP_CONFIG_INVALID as `loadAdminToken` */
export async function readAdminToken(file: string): Promise<Secret | undefined> {
  const found = await stat(file).catch((error: unknown) => {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return undefined;
    throw invalid(`${file} cannot be read`, error);
  });
  if (found === undefined) return undefined;
  if ((found.mode & 0o077) !== 0) {
    throw invalid(`${file} may be read by others; run: chmod 600 ${file}`);
  }
  return checked((await readFile(file, 'utf8')).trim(), file);
}

function checked(token: string, where: string): Secret {
  if (token.length < SHORTEST)
    throw invalid(`The admin token of ${where} has fewer than ${SHORTEST} characters`);
  if (!TOKEN.test(token)) {
    throw invalid(`The admin token of ${where} has characters that a Bearer token cannot have (RFC 6750)`);
  }
  return new Secret(token);
}

/** Written beside and linked into place: a reader sees the whole token or none, and of two makers one wins. */
async function createToken(file: string): Promise<Secret> {
  await mkdir(dirname(file), { recursive: true, mode: 0o700 });
  const draft = `${file}.${randomBytes(6).toString('hex')}`;
  const token = randomBytes(32).toString('base64url');
  const target = await open(draft, 'wx', 0o600);
  try {
    await target.writeFile(`${token}\n`);
    await target.sync();
  } finally {
    await target.close();
  }
  try {
    await link(draft, file);
    return new Secret(token);
  } catch (error) {
    const winner = await readAdminToken(file);
    if (winner !== undefined) return winner;
    throw invalid(`${file} cannot be written`, error);
  } finally {
    await unlink(draft);
  }
}

function invalid(detail: string, cause?: unknown): GatewayError {
  return new GatewayError('SP_CONFIG_INVALID', { detail, reason: 'admin-token', problems: [detail], cause });
}
