import assert from 'node:assert/strict';
import { test } from 'node:test';
import { findCycle } from '../../support/import-cycle.ts';
import { type ImportLine, importLines } from '../../support/import-lines.ts';

function read(text: string): readonly (readonly [string, string, boolean])[] {
  return importLines({ path: 'route/match.ts', text }).map((line) => [line.to, line.kind, line.typeOnly]);
}

test('values, types, re-exports, bare and late imports are all seen', () => {
  const text = [
    "import net from 'node:net';",
    "import { type A, type B } from './a.ts';",
    "import type {\n  C,\n} from '../forward/c.ts';",
    "import { type D, e } from '../lib/d.ts';",
    "export { f } from '../f.ts';",
    "import 'pino';",
    "const late = await import('../gateway.ts');",
  ].join('\n');
  assert.deepEqual([...read(text)].sort(), [
    ['f.ts', 'own', false],
    ['forward/c.ts', 'own', true],
    ['gateway.ts', 'own', false],
    ['lib/d.ts', 'own', false],
    ['node:net', 'node', false],
    ['pino', 'package', false],
    ['route/a.ts', 'own', true],
  ]);
});

test('a word in a text or a comment is no import', () => {
  assert.deepEqual(read("// import { a } from './a.ts'\nconst text = `no import here`;\n"), []);
});

test('a cycle is told with its files in order', () => {
  const line = (from: string, to: string): ImportLine => ({ from, to, kind: 'own', typeOnly: false });
  assert.deepEqual(findCycle([line('a', 'b'), line('b', 'c'), line('c', 'b')]), ['b', 'c', 'b']);
  assert.equal(findCycle([line('a', 'b'), line('a', 'c'), line('b', 'c')]), undefined);
});
