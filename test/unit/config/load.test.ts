import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import fc from 'fast-check';
import { stringify } from 'yaml';
import { DEMONSTRATION } from '../../../src/config/demonstration.ts';
import { formatProblem, loadConfig, parseConfig, readConfig } from '../../../src/config/load.ts';
import { printConfig } from '../../../src/config/print.ts';
import { SECTIONS } from '../../../src/config/schema/root.ts';
import { GatewayError } from '../../../src/errors.ts';

const folder = mkdtempSync(join(tmpdir(), 'sallyport-config-'));
after(() => rmSync(folder, { recursive: true }));
const place = { file: join(folder, 'sallyport.yaml'), env: {} };

function write(content: string | Uint8Array): string {
  writeFileSync(place.file, content);
  return place.file;
}

test('the demonstration is a configuration without problems, on loopback only', () => {
  const { config, problems } = parseConfig(DEMONSTRATION, place);
  assert.deepEqual(problems, []);
  assert.deepEqual(config?.listen.https, [{ kind: 'tcp', host: '127.0.0.1', port: 8443 }]);
  assert.deepEqual(config?.listen.http, []);
  assert.equal(config?.certificates[0]?.name, 'localhost');
  assert.equal(config?.upstreams.get('internal:whoami')?.kind, 'whoami');
  assert.equal(config?.state.url.reveal(), `file:${join(folder, 'data/state.db')}`);
});

test('a file that is wrong throws one error that lists every problem with its place', () => {
  const file = write('listen: { drain: 30 }\nroutes: [{ host: A, upstream: b }]\n');
  assert.throws(
    () => loadConfig(file, {}),
    (thrown: unknown) => {
      assert.ok(thrown instanceof GatewayError);
      assert.equal(thrown.code, 'SP_CONFIG_INVALID');
      assert.equal(thrown.problems.length, 3);
      assert.ok(thrown.problems[0]?.startsWith(`${file}:1:18  listen.drain: must be a duration`));
      assert.match(thrown.problems[0] ?? '', /\(write the unit: 30s\)$/);
      return true;
    },
  );
});

test('warnings do not stop a configuration and are told beside it', () => {
  const file = write('observe: {}\n');
  assert.equal(loadConfig(file, {}).observe.level, 'info');
  assert.deepEqual(
    readConfig(file, {}).problems.map((problem) => problem.severity),
    ['warning', 'warning'],
  );
});

test('a file that is absent, a folder, not UTF-8 or too large is a problem of the file', () => {
  const message = (file: string): string => readConfig(file, {}).problems.map(formatProblem).join();
  assert.equal(
    message(join(folder, 'absent.yaml')),
    `${join(folder, 'absent.yaml')}  cannot be read: ENOENT`,
  );
  assert.match(message(folder), /cannot be read: EISDIR/);
  assert.match(message(write(new Uint8Array([0x61, 0xff]))), /is not UTF-8/);
  assert.match(message(write(new Uint8Array(10 * 2 ** 20 + 1).fill(0x20))), /is larger than 10 MiB/);
});

test('the configuration is frozen and names every file that it was made from', () => {
  writeFileSync(join(folder, 'users'), '');
  writeFileSync(join(folder, 'key.txt'), `${'a'.repeat(64)}\n`);
  const text = 'authenticate: { basic: { htpasswd: users } }\nstate: { key: { file: key.txt } }\n';
  const { config } = parseConfig(text, place);
  assert.deepEqual(config?.files, [place.file, join(folder, 'key.txt'), join(folder, 'users')]);
  assert.ok(
    Object.isFrozen(config) && Object.isFrozen(config.listen.limits) && Object.isFrozen(config.listen.https),
  );
  assert.equal(config.state.key?.reveal(), 'a'.repeat(64), 'the line end is not part of the secret');
});

test('a printed configuration is plain JSON without secrets', () => {
  const text = 'state: "rediss://u:canary@h"\nupstreams: { a: { targets: [http://b] } }\n';
  const { config } = parseConfig(text, place);
  assert.ok(config);
  const printed = JSON.stringify(printConfig(config));
  assert.doesNotMatch(printed, /canary/);
  assert.match(printed, /"upstreams":\{"a":\{"name":"a","kind":"http"/);
});

test('a thousand wrong keys are told up to a bound, and quickly', () => {
  const lines = Array.from({ length: 20_000 }, (_, i) => `key${i}: 1`).join('\n');
  const startMs = performance.now();
  assert.equal(parseConfig(lines, place).problems.length, 200);
  assert.ok(performance.now() - startMs < 5000);
});

test('ten thousand routes are accepted', () => {
  const lines = Array.from(
    { length: 10_000 },
    (_, i) => `- { host: h${i}.example, upstream: http://a, public: true }`,
  );
  const { config } = parseConfig(`routes:\n${lines.join('\n')}\n`, place);
  assert.equal(config?.routes.length, 10_000);
  assert.equal(config?.upstreams.size, 1);
});

test('no text makes the parser throw', () => {
  const never = (text: string): void => {
    const { config, problems } = parseConfig(text, place);
    assert.equal(
      config === undefined,
      problems.some((problem) => problem.severity === 'error'),
    );
  };
  fc.assert(fc.property(fc.string({ unit: 'binary', maxLength: 200 }), never));
  const words = [
    'listen',
    ':',
    ' ',
    '\n',
    '- ',
    '{',
    '}',
    '[',
    ']',
    '&a',
    '*a',
    '<<',
    '!!set',
    '|',
    '>',
    '"',
    "'",
    '#',
    '%YAML 1.1',
    '---',
    '?',
    '\t',
    '\0',
    '0',
    '~',
    ',',
  ];
  fc.assert(
    fc.property(fc.array(fc.constantFrom(...words), { maxLength: 60 }), (parts) => never(parts.join(''))),
    { numRuns: 1000 },
  );
  for (const depth of [10, 1000, 30_000]) {
    never('['.repeat(depth));
    never(`${'['.repeat(depth)}${']'.repeat(depth)}`);
    never(`listen: ${'{a: '.repeat(depth)}1${'}'.repeat(depth)}`);
    never(Array.from({ length: Math.min(depth, 3000) }, (_, i) => `${' '.repeat(i)}a:`).join('\n'));
    never(`${'- '.repeat(depth)}a`);
  }
});

test('no value under a known key makes the parser throw', () => {
  const value = fc.jsonValue({ maxDepth: 3 });
  const keys = Object.entries(SECTIONS).flatMap(([name, schema]) => {
    const inner = 'properties' in schema ? Object.keys(schema.properties) : [];
    return [[name], ...inner.map((key) => [name, key])];
  });
  fc.assert(
    fc.property(fc.constantFrom(...keys), value, ([section = '', key], inner) => {
      const document = { [section]: key === undefined ? inner : { [key]: inner } };
      assert.doesNotThrow(() => parseConfig(stringify(document), place));
    }),
    { numRuns: 500 },
  );
});
