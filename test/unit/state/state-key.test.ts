import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { existsSync, readdirSync, readFileSync, renameSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { silentLogger } from '../../../src/lib/logger.ts';
import { Secret } from '../../../src/lib/secret.ts';
import { loadStateKey } from '../../../src/state/state-key.ts';
import { listeningLogger, openCellar, until } from '../../support/cellar.ts';

const plain = Buffer.from('secret');

test('the first start makes a key file that only its owner reads, and later starts use it', async (t) => {
  const { store, folder } = openCellar(t);
  const keyFile = join(folder, 'keys', 'state.key');
  const first = await loadStateKey({ key: undefined, keyFile, store, logger: silentLogger });
  assert.equal(statSync(keyFile).mode & 0o777, 0o600);
  assert.deepEqual(readdirSync(join(folder, 'keys')), ['state.key']);
  const second = await loadStateKey({ key: undefined, keyFile, store, logger: silentLogger });
  assert.deepEqual(Buffer.from(second.open(first.seal(plain, 'x'), 'x')), plain);
});

test('of many first starts at once all end up with one key', async (t) => {
  const { store, folder } = openCellar(t);
  const keyFile = join(folder, 'state.key');
  const sealers = await Promise.all(
    Array.from({ length: 8 }, () => loadStateKey({ key: undefined, keyFile, store, logger: silentLogger })),
  );
  assert.equal(new Set(sealers.map(({ keyId }) => keyId)).size, 1);
});

test('a configured key is taken as base64 or hex and leaves no file', async (t) => {
  const { store, folder } = openCellar(t);
  const keyFile = join(folder, 'state.key');
  const bytes = randomBytes(32);
  const [a, b] = [
    await loadStateKey({ key: new Secret(bytes.toString('base64')), keyFile, store, logger: silentLogger }),
    await loadStateKey({ key: new Secret(bytes.toString('hex')), keyFile, store, logger: silentLogger }),
  ];
  assert.equal(a.keyId, b.keyId);
  assert.equal(existsSync(keyFile), false);
});

test('a state sealed with another key is refused, with what to do', async (t) => {
  const { store, folder } = openCellar(t);
  const keyFile = join(folder, 'state.key');
  await loadStateKey({ key: undefined, keyFile, store, logger: silentLogger });
  const other = new Secret(randomBytes(32).toString('base64'));
  await assert.rejects(loadStateKey({ key: other, keyFile, store, logger: silentLogger }), (error: Error) => {
    assert.match(error.message, /^SP_STATE_KEY: .*bring back the state key/);
    assert.ok(
      !error.message.includes(other.reveal()) && !error.message.includes(readFileSync(keyFile, 'utf8')),
    );
    return true;
  });
});

test('a lost key file of a sealed state is an error, not a new key', async (t) => {
  const { store, folder } = openCellar(t);
  const keyFile = join(folder, 'state.key');
  await loadStateKey({ key: undefined, keyFile, store, logger: silentLogger });
  renameSync(keyFile, `${keyFile}.away`);
  await assert.rejects(loadStateKey({ key: undefined, keyFile, store, logger: silentLogger }), {
    reason: 'key-missing',
  });
  assert.equal(existsSync(keyFile), false);
});

test('a malformed key is refused and not shown', async (t) => {
  const { store, folder } = openCellar(t);
  const keyFile = join(folder, 'state.key');
  writeFileSync(keyFile, 'hunter2');
  for (const key of [undefined, new Secret('hunter2')]) {
    await assert.rejects(loadStateKey({ key, keyFile, store, logger: silentLogger }), (error: Error) => {
      assert.match(error.message, /^SP_STATE_KEY: .*32 bytes/);
      return !error.message.includes('hunter2');
    });
  }
});

test('damage to a sealed record is another error than a wrong key', async (t) => {
  const { store, folder } = openCellar(t);
  const sealer = await loadStateKey({
    key: undefined,
    keyFile: join(folder, 'state.key'),
    store,
    logger: silentLogger,
  });
  assert.throws(() => sealer.open(sealer.seal(plain, 'x'), 'y'), { code: 'SP_STATE_CORRUPT' });
  assert.throws(() => sealer.open(Buffer.from('garbage'), 'y'), { code: 'SP_STATE_CORRUPT' });
});

test('while the state is away the key at hand opens but seals nothing, and is checked as soon as it answers', async (t) => {
  const { store, folder, cut } = openCellar(t);
  const keyFile = join(folder, 'state.key');
  const first = await loadStateKey({ key: undefined, keyFile, store, logger: silentLogger });
  const sealed = first.seal(plain, 'x');
  cut(true);
  const later = await loadStateKey({ key: undefined, keyFile, store, logger: silentLogger });
  assert.deepEqual(Buffer.from(later.open(sealed, 'x')), plain);
  assert.throws(() => later.seal(plain, 'x'), { code: 'SP_STATE_UNREACHABLE' });
  cut(false);
  await until(() => attempt(() => later.seal(plain, 'x')) === 'done');
  assert.equal(later.keyId, first.keyId);
});

test('a key that turns out not to be the state key is an error in the log, and seals and opens nothing', async (t) => {
  const { store, folder, cut } = openCellar(t);
  const keyFile = join(folder, 'state.key');
  const logger = listeningLogger();
  const sealed = (await loadStateKey({ key: undefined, keyFile, store, logger: silentLogger })).seal(
    plain,
    'x',
  );
  cut(true);
  const key = new Secret(randomBytes(32).toString('base64'));
  const wrong = await loadStateKey({ key, keyFile, store, logger });
  cut(false);
  await until(() => attempt(() => wrong.seal(plain, 'x')) === 'SP_STATE_KEY');
  assert.equal(
    attempt(() => wrong.open(sealed, 'x')),
    'SP_STATE_KEY',
  );
  assert.match(logger.lines.join('\n'), /error .*SP_STATE_KEY.*bring back the state key/);
  await loadStateKey({ key: undefined, keyFile, store, logger: silentLogger });
});

test('a first start without the state makes its key when the state answers, and none before', async (t) => {
  const { store, folder, cut } = openCellar(t);
  const keyFile = join(folder, 'state.key');
  cut(true);
  const sealer = await loadStateKey({ key: undefined, keyFile, store, logger: silentLogger });
  assert.throws(() => sealer.open(plain, 'x'), { code: 'SP_STATE_UNREACHABLE' });
  assert.equal(existsSync(keyFile), false);
  cut(false);
  await until(() => attempt(() => sealer.seal(plain, 'x')) === 'done');
  assert.equal(existsSync(keyFile), true);
});

function attempt(work: () => unknown): string {
  try {
    work();
    return 'done';
  } catch (error) {
    return error instanceof Error && 'code' in error ? String(error.code) : 'unforeseen';
  }
}
