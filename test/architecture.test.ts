import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { test } from 'node:test';
import { BANNED_WORDS, MAX_LINES, PACKAGES, PLACES, ROOMS } from './support/architecture-rules.ts';
import { findCycle } from './support/import-cycle.ts';
import { type ImportLine, importLines, readSources } from './support/import-lines.ts';

const ROOT = resolve(import.meta.dirname, '..');
const SOURCES = readSources(resolve(ROOT, 'src'));
const LOCK = readFileSync(resolve(ROOT, 'package-lock.json'), 'utf8');
const IMPORTS = SOURCES.flatMap(importLines);
/** Leaves that everybody may use: the tool drawer and the error table. */
const ALWAYS = ['lib', 'errors.ts'];

function placeOf(path: string): string {
  return path.split('/')[0] ?? path;
}

function packageOf(specifier: string): string {
  return specifier
    .split('/')
    .slice(0, specifier.startsWith('@') ? 2 : 1)
    .join('/');
}

function none(problems: readonly string[]): void {
  assert.equal(problems.length, 0, `\n  ${problems.join('\n  ')}\n`);
}

function isAllowed(line: ImportLine): boolean {
  const [from, to] = [placeOf(line.from), placeOf(line.to)];
  if (from === to) return true;
  if (ALWAYS.includes(to) && from !== 'lib' && from !== 'errors.ts') return true;
  const rule = PLACES[from];
  if (rule === undefined) return false;
  return rule.values.includes(to) || (line.typeOnly && rule.types.includes(to));
}

test('every import between folders is one that the table of the architecture allows', () => {
  const broken = IMPORTS.filter((line) => line.kind === 'own' && !isAllowed(line));
  none(
    broken.map((line) => {
      const what = line.typeOnly ? 'types' : 'values';
      return `src/${line.from} imports ${what} of src/${line.to}. ${PLACES[placeOf(line.from)]?.reason ?? ''}`;
    }),
  );
});

test('every package is imported only in the places that own it', () => {
  const broken = IMPORTS.filter(
    (line) =>
      line.kind === 'package' && !(PACKAGES[packageOf(line.to)]?.places ?? []).includes(placeOf(line.from)),
  );
  none(
    broken.map((line) => {
      const reason =
        PACKAGES[packageOf(line.to)]?.reason ?? 'No place owns this package: add a row with a reason.';
      return `src/${line.from} imports ${line.to}. ${reason}`;
    }),
  );
});

test('no file imports itself by way of others', () => {
  const cycle = findCycle(IMPORTS.filter((line) => line.kind === 'own' && !line.typeOnly));
  assert.equal(cycle, undefined, `src/${cycle?.join(' -> src/')}: a cycle has no first file to read.`);
});

test('every import names a file that exists', () => {
  const paths = new Set(SOURCES.map((file) => file.path));
  none(
    IMPORTS.filter((line) => line.kind === 'own' && !paths.has(line.to)).map(
      (line) => `src/${line.from} imports src/${line.to}, which does not exist.`,
    ),
  );
});

test('file and folder names are kebab-case and say what they hold', () => {
  const problems: string[] = [];
  for (const { path } of SOURCES) {
    const names = path.replace(/\.ts$/, '').split('/');
    if (names.some((name) => !/^[a-z0-9]+(-[a-z0-9]+)*$/.test(name)))
      problems.push(`src/${path}: not kebab-case.`);
    const banned = names.flatMap((name) => name.split('-')).find((word) => BANNED_WORDS.includes(word));
    if (banned !== undefined) problems.push(`src/${path}: "${banned}" says nothing about what it holds.`);
  }
  none(problems);
});

test(`no source file is longer than ${MAX_LINES} lines`, () => {
  none(
    SOURCES.map((file) => ({ path: file.path, lines: file.text.trimEnd().split('\n').length }))
      .filter((file) => file.lines > MAX_LINES)
      .map((file) => `src/${file.path} has ${file.lines} lines: it holds more than one idea.`),
  );
});

test('nothing is exported as default', () => {
  none(
    SOURCES.filter((file) => /^export\s+default\b|\bas\s+default\b/m.test(file.text)).map(
      (file) => `src/${file.path} has a default export: importers could call one thing by many names.`,
    ),
  );
});

test('only main.ts reads the arguments or ends the process', () => {
  const used = /\bprocess\.(exit|argv|exitCode)\b/;
  // Texts that are printed may speak of them.
  const code = SOURCES.map((file) => ({ path: file.path, text: file.text.replace(/`[^`]*`/g, '``') }));
  none(
    code
      .filter((file) => file.path !== 'main.ts' && used.test(file.text))
      .map(
        (file) =>
          `src/${file.path} uses process.${used.exec(file.text)?.[1]}: give the result to main.ts instead.`,
      ),
  );
});

test('every place has a rule and every rule its place', () => {
  const places = new Set(SOURCES.map((file) => placeOf(file.path)));
  const unruled = [...places].filter((place) => PLACES[place] === undefined);
  const named = [
    ...Object.keys(PLACES),
    ...Object.values(PLACES).flatMap((rule) => [...rule.values, ...rule.types]),
  ];
  const gone = [...new Set([...named, ...ROOMS])].filter((place) => !places.has(place));
  none([
    ...unruled.map((place) => `src/${place} has no row in PLACES: say what it may import, and why.`),
    ...gone.map((place) => `PLACES names ${place}, which does not exist: remove the row.`),
  ]);
});

test('the package rules and package.json name the same packages', () => {
  const manifest: unknown = JSON.parse(readFileSync(resolve(ROOT, 'package.json'), 'utf8'));
  assert.ok(typeof manifest === 'object' && manifest !== null && 'dependencies' in manifest);
  const installed = Object.keys(manifest.dependencies ?? {}).sort();
  assert.deepEqual(Object.keys(PACKAGES).sort(), installed);
  const used = new Set(
    IMPORTS.filter((line) => line.kind === 'package').map(
      (line) => `${packageOf(line.to)} in ${placeOf(line.from)}`,
    ),
  );
  none(
    Object.entries(PACKAGES)
      .flatMap(([name, rule]) => rule.places.map((place) => `${name} in ${place}`))
      .filter((right) => !used.has(right))
      .map(
        (right) => `PACKAGES allows ${right}, where nothing imports it: take the right or the package away.`,
      ),
  );
});

test('the lock file names no registry', () => {
  assert.doesNotMatch(
    LOCK,
    /"resolved":/,
    'A registry address in the lock file ties every clone to that registry.',
  );
});

test('the lock file holds the builds of every platform', () => {
  const { packages }: { packages: Record<string, { optionalDependencies?: object }> } = JSON.parse(LOCK);
  const absent = Object.values(packages)
    .flatMap((entry) => Object.keys(entry.optionalDependencies ?? {}))
    .filter((name) => packages[`node_modules/${name}`] === undefined);
  none(absent.map((name) => `${name} is absent: "npm ci" fails wherever the registry does not offer it.`));
});
