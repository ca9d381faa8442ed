import { randomBytes } from 'node:crypto';
import { link, mkdir, open, readFile, rename, rm } from 'node:fs/promises';
import { dirname } from 'node:path';

/** Gives the text of a file, `undefined` when there is none. */
export async function readIfThere(path: string): Promise<string | undefined> {
  try {
    return await readFile(path, 'utf8');
  } catch (error) {
    if (codeOf(error) === 'ENOENT') return undefined;
    throw error;
  }
}

function codeOf(error: unknown): string | undefined {
  return error instanceof Error && 'code' in error ? String(error.code) : undefined;
}

async function writeBeside(path: string, text: string, mode: number): Promise<string> {
  await mkdir(dirname(path), { recursive: true });
  const beside = `${path}.${randomBytes(6).toString('hex')}.tmp`;
  const file = await open(beside, 'wx', mode);
  try {
    await file.writeFile(text);
    await file.sync();
  } finally {
    await file.close();
  }
  return beside;
}

/** Writes a file whole or not at all, in place of what is there. */
export async function replaceFile(path: string, text: string, mode: number): Promise<void> {
  const beside = await writeBeside(path, text, mode);
  try {
    await rename(beside, path);
  } catch (error) {
    await rm(beside, { force: true });
    throw error;
  }
}

/** Writes a file whole unless it is there already, and gives what the file holds: of several writers the first one wins. */
export async function writeOnce(path: string, text: string, mode: number): Promise<string> {
  const beside = await writeBeside(path, text, mode);
  try {
    await link(beside, path);
    return text;
  } catch (error) {
    if (codeOf(error) === 'EEXIST') return await readFile(path, 'utf8');
    throw error;
  } finally {
    await rm(beside, { force: true });
  }
}
