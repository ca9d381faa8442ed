import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type Framing, parseResponseHead } from '../../../src/forward/response-head.ts';
import { headerNames } from '../../../src/lib/header-name.ts';

const nameOf = headerNames(false);
const parse = (text: string, method = 'GET') =>
  parseResponseHead(text.replaceAll('\n', '\r\n'), method, nameOf);

test('how a body ends is decided as RFC 9112 §6.3 says', () => {
  const rows: readonly (readonly [string, Framing['kind'], boolean, string?])[] = [
    ['HTTP/1.1 200 OK\ncontent-length: 5', 'length', true],
    ['HTTP/1.1 200 OK\ncontent-length: 0', 'none', true],
    ['HTTP/1.1 200 OK\ntransfer-encoding: Chunked', 'chunked', true],
    ['HTTP/1.1 200 OK', 'until-close', false],
    ['HTTP/1.1 200', 'until-close', false],
    ['HTTP/1.0 200 OK\ncontent-length: 5', 'length', false],
    ['HTTP/1.0 200 OK\ncontent-length: 5\nconnection: keep-alive', 'length', true],
    ['HTTP/1.1 200 OK\ncontent-length: 5\nconnection: Close', 'length', false],
    ['HTTP/1.1 204 No Content\ncontent-length: 5', 'none', true],
    ['HTTP/1.1 304 Not Modified\ncontent-length: 5', 'none', true],
    ['HTTP/1.1 200 OK\ncontent-length: 5', 'none', true, 'HEAD'],
    ['HTTP/1.1 200 OK\ncontent-length: 5\ncontent-length: 5', 'length', true],
  ];
  for (const [text, kind, keepAlive, method] of rows) {
    const head = parse(text, method);
    assert.deepEqual([head.framing.kind, head.keepAlive], [kind, keepAlive], text);
  }
});

test('a head that two parsers could read differently is refused', () => {
  const bad = [
    '',
    'HTTP/2 200 OK',
    'http/1.1 200 OK',
    'HTTP/1.1 20 OK',
    'HTTP/1.1 099 x',
    'HTTP/1.1 600 x',
    'HTTP/1.1  200 OK',
  ];
  for (const fields of [
    'no colon',
    'a b: c',
    ': c',
    'a : c',
    ' a: c',
    'a: \x00',
    'a: b\rc',
    'content-length: +1',
    'content-length: 1, 1',
    'content-length: ',
    'content-length: 1\ncontent-length: 2',
    'content-length: 1\ntransfer-encoding: chunked',
    'transfer-encoding: gzip',
    'transfer-encoding: gzip, chunked',
    'transfer-encoding: chunked\ntransfer-encoding: chunked',
  ]) {
    bad.push(`HTTP/1.1 200 OK\n${fields}`);
  }
  bad.push('HTTP/1.0 200 OK\ntransfer-encoding: chunked');
  for (const text of bad)
    assert.throws(() => parse(text), { code: 'SP_FORWARD_BAD_ANSWER' }, JSON.stringify(text));
});

test('values lose the spaces around them and nothing else', () => {
  const { headers } = parse('HTTP/1.1 200 OK\nA: \t b  c\t \nx:\xa0\xc3\xa0\nempty:');
  assert.deepEqual(headers, ['a', 'b  c', 'x', '\xa0\xc3\xa0', 'empty', '']);
});

test('what Connection names ends here, but never the length', () => {
  const { headers, keepAliveSec } = parse(
    'HTTP/1.1 200 OK\nconnection: x-a, Content-Length, keep-alive\nx-a: 1\nx-b: 2\ncontent-length: 3\nkeep-alive: max=9, timeout=7',
  );
  assert.deepEqual(headers, ['x-b', '2', 'content-length', '3']);
  assert.equal(keepAliveSec, 7);
});
