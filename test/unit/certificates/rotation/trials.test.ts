import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Trials } from '../../../../src/certificates/rotation/trials.ts';

/** Trials of one certificate under a clock of their own; `undone` are the fingerprints that were given up. */
function house() {
  const time = { nowMs: 0 };
  const undone: string[] = [];
  const trials = new Trials(
    () => time.nowMs,
    (_certificate, fingerprint256) => void undone.push(fingerprint256),
  );
  /** So many handshakes, from these last bytes of an address in turns. */
  const visit = (count: number, refused: boolean, from: readonly number[] = [1, 2, 3]): void => {
    for (let n = 0; n < count; n++)
      trials.sample({ certificate: 'site', address: `192.0.2.${from[n % from.length]}`, refused });
  };
  return { time, undone, trials, visit };
}

test('ten refusals from three addresses give a new certificate up, once, also when it is told of twice', () => {
  const { undone, trials, visit } = house();
  trials.begin('site', 'AA');
  visit(5, true);
  trials.begin('site', 'AA');
  visit(5, true);
  assert.deepEqual(undone, ['AA']);
  visit(20, true);
  assert.deepEqual(undone, ['AA']);
});

test('it stays where most addresses take it, where refusals are few, from one address, or late', () => {
  const most = house();
  most.trials.begin('site', 'AA');
  most.visit(4, false, [11, 12, 13, 14]);
  most.visit(50, true);
  const few = house();
  few.trials.begin('site', 'AA');
  few.visit(9, true);
  const one = house();
  one.trials.begin('site', 'AA');
  one.visit(50, true, [1]);
  const late = house();
  late.trials.begin('site', 'AA');
  late.time.nowMs = 21_000;
  late.visit(50, true);
  assert.deepEqual([most.undone, few.undone, one.undone, late.undone], [[], [], [], []]);
});

test('one address that takes it again and again, or refused what was before, does not keep it', () => {
  const { undone, trials, visit } = house();
  visit(500, true, [9]);
  visit(10, false, [1, 2, 3, 4, 5, 6]);
  trials.begin('site', 'AA');
  visit(500, false, [9]);
  visit(10, true);
  assert.deepEqual(undone, ['AA']);
});

test('where most addresses refused the one before, half of the others are enough, and fewer are not', () => {
  const { undone, trials, visit } = house();
  visit(4, false, [1, 2, 3, 4]);
  visit(6, true, [5, 6, 7, 8, 9, 10]);
  trials.begin('site', 'AA');
  visit(3, false, [1, 2, 3]);
  visit(70, true, [4, 5, 6, 7, 8, 9, 10]);
  assert.deepEqual(undone, []);
  trials.begin('site', 'BB');
  visit(90, true, [2, 3, 4, 5, 6, 7, 8, 9, 10]);
  assert.deepEqual(undone, ['BB']);
});

test('the same certificate is watched anew when its time was over', () => {
  const { time, undone, trials, visit } = house();
  trials.begin('site', 'AA');
  time.nowMs = 30_000;
  trials.begin('site', 'AA');
  visit(10, true);
  assert.deepEqual(undone, ['AA']);
});
