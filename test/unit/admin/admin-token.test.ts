import assert from 'node:assert/strict';
import { chmod, mkdtemp, readdir, readFile, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { loadAdminToken } from '../../../src/admin/admin-token.ts';
import { GatewayError } from '../../../src/errors.ts';

const folder = () => mkdtemp(join(tmpdir(), 'sallyport-token-'));

test('the token is made once, private to its owner, and read again', async () => {
  const file = join(await folder(), 'data', 'admin-token');
  const made = (await loadAdminToken({ env: undefined, file })).reveal();
  assert.match(made, /^[A-Za-z0-9_-]{43}$/);
  assert.equal((await stat(file)).mode & 0o777, 0o600);
  assert.equal((await loadAdminToken({ env: '', file })).reveal(), made);
});

test('processes that start together agree on one token and leave no draft', async () => {
  const place = await folder();
  const file = join(place, 'admin-token');
  const tokens = await Promise.all(Array.from({ length: 8 }, () => loadAdminToken({ env: undefined, file })));
  assert.equal(new Set(tokens.map((token) => token.reveal())).size, 1);
  assert.deepEqual(await readdir(place), ['admin-token']);
});

test('the environment wins over the file and makes none', async () => {
  const place = await folder();
  const env = 'a-token-from-outside';
  const token = await loadAdminToken({ env, file: join(place, 'admin-token') });
  assert.equal(token.reveal(), env);
  assert.deepEqual(await readdir(place), []);
});

test('a token that is short or cannot be a Bearer token is refused and not repeated', async () => {
  const file = join(await folder(), 'admin-token');
  for (const env of [
    'short-canary',
    'with space-canary-0123',
    'with"quote-canary-0123',
    'ümlaut-canary-01234',
  ]) {
    await assert.rejects(loadAdminToken({ env, file }), (error) => {
      assert.ok(error instanceof GatewayError);
      assert.equal(error.code, 'SP_CONFIG_INVALID');
      assert.ok(!`${error.message}${error.problems}`.includes('canary'));
      return true;
    });
  }
});

test('a file that others may read is refused and left as it is', async () => {
  const file = join(await folder(), 'admin-token');
  await writeFile(file, 'a-token-that-was-put-here\n');
  for (const mode of [0o640, 0o604, 0o620]) {
    await chmod(file, mode);
    await assert.rejects(loadAdminToken({ env: undefined, file }), /may be read by others; run: chmod 600/);
  }
  assert.equal(await readFile(file, 'utf8'), 'a-token-that-was-put-here\n');
});
