import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { existsSync, globSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join, resolve } from 'node:path';
import { test } from 'node:test';
import { runCommand } from '../src/cli/command.ts';
import { makeShell } from '../src/cli/process-shell.ts';
import { runtimeFloor } from '../src/cli/runtime-floor.ts';
import { formatProblem, parseConfig } from '../src/config/load.ts';
import { ERRORS } from '../src/errors.ts';
import { commandLines } from './support/command-lines.ts';
import { codeBlocks, headingAnchors, relativeLinks } from './support/markdown.ts';

const ROOT = resolve(import.meta.dirname, '..');
const PAGES = globSync(['*.md', '{bench,certs,deploy,docs}/**/*.md'], { cwd: ROOT });
/** What the examples take from the environment. */
const EXAMPLE_ENVIRONMENT = {
  SALLYPORT_STATE_URL: 'redis://:secret@redis:6379',
  CORP_CLIENT_SECRET: 'a secret of the example',
  SALLYPORT_STATE_KEY: 'ab'.repeat(32),
};

function read(file: string): string {
  return readFileSync(resolve(ROOT, file), 'utf8');
}

test('docs/errors.md names every error code and no other', () => {
  const documented = [...read('docs/errors.md').matchAll(/^\| `(SP_[A-Z_]+)` \| (\d{3}) \|/gm)];
  const rows = documented.map(([, code, status]) => `${code} ${status}`).sort();
  const table = Object.entries(ERRORS).map(([code, row]) => `${code} ${row.status}`);
  assert.deepEqual(rows, table.sort());
});

test('generated documentation is what the sources generate', () => {
  const done = spawnSync(process.execPath, ['.ci/generate-docs.ts', '--check'], {
    cwd: ROOT,
    encoding: 'utf8',
  });
  assert.equal(done.status, 0, done.stderr);
});

test('every relative link leads to a file and a heading that exist', () => {
  const broken = PAGES.flatMap((page) =>
    relativeLinks(read(page))
      .filter((link) => !leadsSomewhere(page, link))
      .map((link) => `${page}: ${link}`),
  );
  assert.deepEqual(broken, []);
});

function leadsSomewhere(page: string, link: string): boolean {
  const [path, anchor] = link.split('#');
  const file = path === '' ? resolve(ROOT, page) : resolve(ROOT, dirname(page), path ?? '');
  if (!existsSync(file)) return false;
  return anchor === undefined || headingAnchors(readFileSync(file, 'utf8')).includes(anchor);
}

test('every sallyport command and option that the README names exists', async () => {
  for (const { words, options } of commandLines(read('README.md'))) {
    const name = words.join(' ');
    const help = await helpOf(words);
    assert.match(help, new RegExp(`^Usage: sallyport ${name}\\b`), `sallyport ${name} is not a command`);
    const absent = options.filter((option) => !help.includes(option));
    assert.deepEqual(absent, [], `sallyport ${name} does not know these options`);
  }
});

async function helpOf(words: readonly string[]): Promise<string> {
  const pieces: string[] = [];
  const take = (piece: string): void => void pieces.push(piece);
  const code = await runCommand([...words, '--help'], { ...makeShell(process), out: take, err: take });
  assert.equal(code, 0, pieces.join(''));
  return pieces.join('');
}

test('the container image and the threat model know the floor of the runtime', () => {
  const image = /^FROM node:([\d.]+)-/m.exec(read('deploy/Dockerfile'))?.[1] ?? '';
  assert.equal(runtimeFloor(image), undefined, `deploy/Dockerfile builds on ${image}`);
  const floors = /^Node\.js ([\d.]+) or ([\d.]+)/m.exec(read('docs/threat-model.md'))?.slice(1) ?? [];
  assert.deepEqual(
    floors.map((version) => runtimeFloor(`${version.split('.')[0]}.0.0`)),
    floors,
  );
});

test('the configuration examples are accepted without a warning', (t) => {
  const folder = mkdtempSync(join(tmpdir(), 'sallyport-docs-'));
  t.after(() => rmSync(folder, { recursive: true }));
  placeExampleFiles(folder);
  const inReadme = codeBlocks(read('README.md')).filter((block) => block.language === 'yaml');
  assert.ok(inReadme.length > 0, 'the README shows no configuration');
  const examples = [
    ...inReadme.map((block, index) => ({ name: `README.md example ${index + 1}`, text: block.text })),
    ...['sallyport.example.yaml', 'deploy/sallyport.yaml'].map((name) => ({ name, text: read(name) })),
  ];
  for (const { name, text } of examples) {
    const { problems } = parseConfig(text, { file: join(folder, name), env: EXAMPLE_ENVIRONMENT });
    assert.deepEqual(problems.map(formatProblem), [], name);
  }
});

/** The examples name files of the operator; these stand in for them. */
function placeExampleFiles(folder: string): void {
  mkdirSync(join(folder, 'certs'));
  for (const name of ['site.crt', 'site.key', 'devices-ca.crt', 'partners-ca.crt'])
    writeFileSync(join(folder, 'certs', name), 'PEM');
}
