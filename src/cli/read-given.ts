import { readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { Complaint } from './complaint.ts';
import type { Shell } from './shell.ts';

/** Gives the bytes of a file that an argument names. @throws Complaint when it cannot be read */
export function readGiven(file: string, { folder }: Pick<Shell, 'folder'>): Buffer {
  try {
    return readFileSync(resolve(folder, file));
  } catch (cause) {
    throw new Complaint('The file cannot be read', { where: file, cause });
  }
}
