import { globSync, readFileSync } from 'node:fs';
import { posix } from 'node:path';

/** One import or re-export of a source file. */
export interface ImportLine {
  /** Path of the importing file, relative to the source root, with `/`. */
  readonly from: string;
  /** A path relative to the source root for own files, else the specifier as written (`node:net`, `jose`). */
  readonly to: string;
  /** Own file, Node module or package. */
  readonly kind: 'own' | 'node' | 'package';
  /** Nothing of it exists at run time. */
  readonly typeOnly: boolean;
}

/** A source file with its text. */
export interface SourceFile {
  /** Relative to the source root, with `/`. */
  readonly path: string;
  readonly text: string;
}

const STATIC = /^(?:import|export)\s+(type\s)?([^'";]*?)\sfrom\s+'([^']+)'/gm;
const BARE = /^import\s+'([^']+)'/gm;
const DYNAMIC = /\bimport\(\s*'([^']+)'/g;

/** Gives every TypeScript file under a folder, sorted by path. */
export function readSources(root: string): readonly SourceFile[] {
  return globSync('**/*.ts', { cwd: root })
    .sort()
    .map((path) => ({ path, text: readFileSync(`${root}/${path}`, 'utf8') }));
}

/** Gives the imports of one file, in the order of the text; relative specifiers are resolved. */
export function importLines(file: SourceFile): readonly ImportLine[] {
  const lines: ImportLine[] = [];
  for (const [, type, names, to] of file.text.matchAll(STATIC)) {
    if (to !== undefined) lines.push(line(file.path, to, type !== undefined || onlyTypes(names ?? '')));
  }
  for (const [, to] of [...file.text.matchAll(BARE), ...file.text.matchAll(DYNAMIC)]) {
    if (to !== undefined) lines.push(line(file.path, to, false));
  }
  return lines;
}

function line(from: string, specifier: string, typeOnly: boolean): ImportLine {
  if (specifier.startsWith('.')) {
    return { from, to: posix.join(posix.dirname(from), specifier), kind: 'own', typeOnly };
  }
  return { from, to: specifier, kind: specifier.startsWith('node:') ? 'node' : 'package', typeOnly };
}

function onlyTypes(clause: string): boolean {
  const braces = /^\{([^}]*)\}$/.exec(clause.trim());
  if (braces === null) return false;
  const names = (braces[1] ?? '').split(',').filter((name) => name.trim() !== '');
  return names.length > 0 && names.every((name) => name.trim().startsWith('type '));
}
