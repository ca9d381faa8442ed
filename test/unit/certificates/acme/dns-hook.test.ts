import assert from 'node:assert/strict';
import { chmodSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { AcmeError } from '../../../../src/certificates/acme/acme-error.ts';
import { dnsHook } from '../../../../src/certificates/acme/dns-hook.ts';

const idle = new AbortController().signal;

function program(t: TestContext, body: string): { readonly path: string; readonly out: string } {
  const folder = mkdtempSync(join(tmpdir(), 'sallyport-hook-'));
  t.after(() => rmSync(folder, { recursive: true, force: true }));
  const path = join(folder, 'hook');
  const out = join(folder, 'out');
  writeFileSync(path, `#!/bin/sh\n${body.replaceAll('OUT', `'${out}'`)}\n`);
  chmodSync(path, 0o755);
  return { path, out };
}

test('the command gets its arguments as they are, without a shell, and nothing of our environment but PATH and HOME', async (t) => {
  const { path, out } = program(t, 'for a in "$@"; do echo "[$a]"; done > OUT; env | sort >> OUT');
  process.env.SALLYPORT_HOOK_TEST = 'secret';
  t.after(() => delete process.env.SALLYPORT_HOOK_TEST);
  await dnsHook([path, '$(id); x'], idle)('present', 'a.test', 'v');
  const text = readFileSync(out, 'utf8');
  assert.match(text, /^\[\$\(id\); x\]\n\[present\]\n\[_acme-challenge\.a\.test\]\n\[v\]\n/);
  assert.match(text, /ACME_ACTION=present\nACME_RECORD=_acme-challenge\.a\.test\nACME_VALUE=v\n/);
  assert.doesNotMatch(text, /secret/);
});

test('a command that fails, hangs or is not there is an error that tells nothing of what it printed', async (t) => {
  const failing = program(t, 'echo top-secret >&2; exit 7');
  const hanging = program(t, 'exec sleep 20');
  const rows: [string, number, RegExp][] = [
    [failing.path, 5_000, /ended with 7 on present/],
    [hanging.path, 100, /did not end in time/],
    ['/nowhere/hook', 5_000, /ENOENT/],
  ];
  for (const [path, timeoutMs, wanted] of rows) {
    await assert.rejects(dnsHook([path], idle, timeoutMs)('present', 'a.test', 'v'), (error) => {
      assert.ok(error instanceof AcmeError);
      assert.equal(error.reason, 'hook');
      assert.match(error.detail ?? '', wanted);
      assert.doesNotMatch(error.detail ?? '', /top-secret/);
      return true;
    });
  }
});
