import assert from 'node:assert/strict';
import { test } from 'node:test';
import { LineBudget } from '../../../src/observe/line-budget.ts';

test('the first lines of a kind pass in every window, the others are counted and told when it is over', (t) => {
  t.mock.timers.enable({ apis: ['setTimeout'] });
  const told: string[] = [];
  const budget = new LineBudget({ lines: 2, windowMs: 1000 });
  const take = (kind: string): boolean => budget.takes(kind, (count) => told.push(`${kind} ${count}`));
  assert.deepEqual([take('a'), take('a'), take('a'), take('a')], [true, true, false, false]);
  assert.equal(take('b'), true, 'another kind has lines of its own');
  assert.deepEqual(told, []);
  t.mock.timers.tick(1000);
  assert.deepEqual(told, ['a 2']);
  assert.deepEqual([take('a'), take('a'), take('a')], [true, true, false], 'a new window');
  budget.close();
  assert.deepEqual(told, ['a 2', 'a 1']);
  t.mock.timers.tick(5000);
  assert.deepEqual(told, ['a 2', 'a 1'], 'nothing is told twice');
});
