import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ResponseBody } from '../../../src/forward/response-body.ts';

function bench(takes: () => boolean = () => true) {
  const calls: string[] = [];
  const told: string[] = [];
  const body = new ResponseBody({
    pause: () => calls.push('pause'),
    resume: () => calls.push('resume'),
    abandon: () => calls.push('abandon'),
  });
  const sink = {
    write(chunk: Uint8Array) {
      told.push(Buffer.from(chunk).toString());
      return takes();
    },
    end: () => told.push('end'),
    fail: () => told.push('fail'),
  };
  return { body, sink, calls, told };
}

test('what comes before its reader is kept, and told in order', () => {
  const { body, sink, told } = bench();
  body.push(Buffer.from('a'));
  body.push(Buffer.from('b'));
  body.finish([]);
  assert.deepEqual(told, []);
  body.start(sink);
  assert.deepEqual(told, ['a', 'b', 'end']);
});

test('a reader that does not come stops the upstream', () => {
  const { body, calls } = bench();
  for (let i = 0; i < 10; i++) body.push(Buffer.from('x'));
  assert.ok(calls.includes('pause'));
});

test('a slow reader gets everything, also what broke off behind it', () => {
  const { body, sink, told } = bench(() => false);
  body.start(sink);
  for (const text of ['a', 'b', 'c']) body.push(Buffer.from(text));
  body.fail(new Error('cut'));
  assert.deepEqual(told, ['a']);
  for (let i = 0; i < 2; i++) body.resume();
  assert.deepEqual(told, ['a', 'b', 'c']);
  body.resume();
  assert.deepEqual(told, ['a', 'b', 'c', 'fail']);
});

test('a body that is given up ends its connection, and tells nothing more', () => {
  const { body, sink, calls, told } = bench();
  body.start(sink);
  body.cancel();
  body.push(Buffer.from('late'));
  body.finish([]);
  body.cancel();
  assert.deepEqual(calls.filter((call) => call === 'abandon').length, 1);
  assert.deepEqual(told, []);
});

test('once the answer is over its body leaves the connection alone: it may carry another exchange', () => {
  const { body, sink, calls } = bench(() => false);
  body.start(sink);
  body.push(Buffer.from('a'));
  body.push(Buffer.from('b'));
  body.finish([]);
  calls.length = 0;
  body.resume();
  body.cancel();
  assert.deepEqual(calls, []);
});
