import assert from 'node:assert/strict';
import { test } from 'node:test';
import { silentLogger } from '../../../src/lib/logger.ts';
import { Audit } from '../../../src/observe/audit.ts';
import { house } from '../../fixtures/certificates/house.ts';

test('entries are listed newest first, page by page, and logged as one line each that no value can forge', async (t) => {
  const { store } = await house(t);
  const lines: string[] = [];
  let now = Date.now();
  const audit = new Audit({
    records: store.records,
    destination: { write: (text) => void lines.push(text) },
    clock: () => now++,
    logger: silentLogger,
    process: 'here:1:x',
  });
  for (const target of ['one', 'two\n{"log":"audit"}', 'three']) {
    audit.record({ who: 'cli', what: 'PUT /v1/users/:name', target, outcome: 'done', problems: ['a'] });
  }
  await audit.close();
  const first = await audit.list(2, undefined);
  assert.deepEqual(
    first.map(({ target }) => target),
    ['three', 'two\n{"log":"audit"}'],
  );
  const rest = await audit.list(2, first.at(-1)?.id);
  assert.deepEqual(
    rest.map(({ target, who, process, problems }) => [target, who, process, problems]),
    [['one', 'cli', 'here:1:x', ['a']]],
  );
  assert.equal(lines.length, 3);
  for (const line of lines) {
    assert.equal(line.split('\n').length, 2);
    assert.equal(JSON.parse(line).log, 'audit');
  }
});
