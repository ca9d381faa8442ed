import assert from 'node:assert/strict';
import { test } from 'node:test';
import { printCertificate } from '../../../src/cli/cert-detail-view.ts';
import { printCertificates } from '../../../src/cli/cert-view.ts';
import { openTerminal } from './fake-terminal.ts';

const FINGERPRINT = Array.from({ length: 32 }, () => 'AB').join(':');
const NAMES = Array.from({ length: 60 }, (_, at) => `host-${at}.with-a-long-name.example.com`);

function row(more: object = {}): Readonly<Record<string, unknown>> {
  return {
    name: 'site',
    names: NAMES,
    notBefore: '2020-01-01T00:00:00.000Z',
    notAfter: '2020-03-01T00:00:00.000Z',
    fingerprint256: FINGERPRINT,
    keyType: 'ECDSA P-256',
    source: 'uploaded',
    served: true,
    problems: [],
    ...more,
  };
}

function listOf(rows: readonly unknown[], width?: number): readonly string[] {
  const terminal = openTerminal(width === undefined ? {} : { width });
  printCertificates(rows, false, terminal);
  return terminal.printed.out.split('\n');
}

test('a list of certificates with many names is short, and not wider than the terminal', () => {
  const [, wide = ''] = listOf([row()]);
  assert.match(wide, / host-0\S+, host-1\S+ and 58 more /);
  for (const width of [80, 100, 120]) {
    const lines = listOf([row()], width);
    assert.ok(
      lines.every((line) => line.length <= width),
      lines.join('\n'),
    );
    assert.match(lines[1] ?? '', /…? and 58 more +2020-03-01 \(over\) +ECDSA P-256 +uploaded/);
    assert.equal(/AB:AB:AB/.test(lines[1] ?? ''), width >= 100);
  }
});

test('what is stored and not served is told with its reason', () => {
  const unknown = { names: [], notBefore: '', notAfter: '', fingerprint256: '', keyType: '' };
  const closed = row({ name: 'old', ...unknown, served: false, problems: ['SP_STATE_KEY: No.'] });
  const lines = listOf([closed, row({ names: ['a.test'], problems: ['name-taken: Taken.'] })]);
  assert.match(lines[1] ?? '', /^old +- +- +- +uploaded, not served +-$/);
  assert.deepEqual(lines.slice(3), [
    '',
    'old is not served:',
    '  - SP_STATE_KEY: No.',
    '',
    'site has an upload that is not served:',
    '  - name-taken: Taken.',
    '',
  ]);
  const terminal = openTerminal();
  printCertificate({ ...closed, chain: [] }, false, terminal);
  assert.equal(
    terminal.printed.out,
    'name      old\nserved    no\nproblems  SP_STATE_KEY: No.\nsource    uploaded\n',
  );
});

test('the names of one certificate are all told, in lines that fit', () => {
  const terminal = openTerminal({ width: 80 });
  printCertificate(row({ chain: [], rotatedAt: '2020-01-02T03:04:05.678Z' }), false, terminal);
  const lines = terminal.printed.out.split('\n');
  const long = lines.filter((line) => line.length > 80);
  assert.deepEqual(long, [`fingerprint  ${FINGERPRINT}`], 'which is copied as a whole');
  for (const name of NAMES) assert.ok(terminal.printed.out.includes(name));
  assert.match(terminal.printed.out, /^rotated +2020-01-02 03:04:05 UTC$/m);
});
