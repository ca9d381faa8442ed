import assert from 'node:assert/strict';
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { formatProblem, parseConfig } from '../../../src/config/load.ts';
import { printConfig } from '../../../src/config/print.ts';

/**
 * Each fixture is one case: the file, a line `----`, and what must come of it: problems as they are printed, then
 * `accepted` and the sections that its first line asks for with `# show:`. `UPDATE_FIXTURES=1` writes the lower half.
 */
const FOLDER = fileURLToPath(new URL('../../fixtures/config/', import.meta.url));

const ENV = {
  REDIS_URL: 'rediss://:canary-password@redis.example.com:6379',
  SHORT: 'canary-short',
  EMPTY: '',
  LONG32: 'canary-0123456789-0123456789-012',
  PASSPHRASE: 'canary-passphrase',
  EAB: 'canary-0123456789',
};

function outcome(input: string): string {
  const { config, problems } = parseConfig(input, { file: join(FOLDER, 'case.yaml'), env: ENV });
  const lines = problems.map((problem) => `${problem.severity} ${formatProblem(problem)}`);
  assert.equal(
    config === undefined,
    problems.some((problem) => problem.severity === 'error'),
  );
  if (config !== undefined) {
    lines.push('accepted');
    const shown = /^# show: (.*)$/m.exec(input)?.[1]?.split(', ') ?? [];
    for (const section of shown) {
      const printed = Object.entries(printConfig(config) ?? {}).find(([name]) => name === section)?.[1];
      lines.push(`${section}: ${JSON.stringify(printed, null, 2)}`);
    }
  }
  return `${lines.join('\n').replaceAll(FOLDER, '<folder>/').replaceAll(dirname(FOLDER), '<folder>')}\n`;
}

for (const name of readdirSync(FOLDER).filter((file) => file.endsWith('.txt'))) {
  test(`config fixture ${name.replace('.txt', '').replaceAll('-', ' ')}`, () => {
    const text = readFileSync(join(FOLDER, name), 'utf8');
    const cut = text.indexOf('\n----\n') + 1;
    const input = text.slice(0, cut);
    const found = outcome(input);
    if (process.env.UPDATE_FIXTURES === '1') writeFileSync(join(FOLDER, name), `${input}----\n${found}`);
    else assert.equal(found, text.slice(cut + '----\n'.length));
    assert.doesNotMatch(found, /canary/, 'a secret was shown');
  });
}
