import assert from 'node:assert/strict';
import { test } from 'node:test';
import { importHtpasswd, parseHtpasswd } from '../../../src/accounts/htpasswd.ts';
import { openAccounts } from '../../support/open-accounts.ts';

const SHA = '{SHA}L55TUjtiq8FBorTWAZ0jy6g129A=';
const APR1 = '$apr1$7EYO.x7H$moDywkQPfdCNP6h52MN9K/';
const BCRYPT = '$2y$04$00Xz9hE7pg3wbYemyAa0IOBD46RFtEkaUxffeLfWMc87LrKb5DlA6';

test('comments and blank lines are skipped, line ends of any system are read', () => {
  const { entries, problems } = parseHtpasswd(`\uFEFF# users\r\n\r\nAnna:${SHA}\r\n \nbert:${APR1}  \n`);
  assert.deepEqual(entries, [
    { name: 'anna', hash: SHA, line: 3 },
    { name: 'bert', hash: APR1, line: 5 },
  ]);
  assert.deepEqual(problems, []);
});

test('every problem is named by its line and shows neither hash nor text', () => {
  const text = `nocolon\n:${SHA}\nanna:rqXexS6ZhobKA\nbert:plain\ncarl:$2y$31$${'a'.repeat(53)}\ndora:${SHA}\nDORA:${APR1}\n`;
  const { entries, problems } = parseHtpasswd(text);
  assert.deepEqual(entries, [{ name: 'dora', hash: SHA, line: 6 }]);
  assert.deepEqual(
    problems.map((problem) => problem.slice(0, 7)),
    ['line 1:', 'line 2:', 'line 3:', 'line 4:', 'line 5:', 'line 7:'],
  );
  assert.match(problems.at(-1) ?? '', /line 6/);
  for (const word of ['nocolon', 'rqXex', 'bert', '$2y', SHA, APR1]) {
    assert.ok(!problems.join('\n').includes(word), word);
  }
});

test('an import adds, follows changed lines, and leaves the rest', async (t) => {
  const { accounts } = openAccounts(t);
  const counts = { added: 0, updated: 0, unchanged: 0, problems: [] };
  assert.deepEqual(await importHtpasswd(`anna:${SHA}\nbert:${APR1}`, accounts), { ...counts, added: 2 });
  assert.deepEqual(await importHtpasswd(`anna:${SHA}\nbert:${APR1}`, accounts), { ...counts, unchanged: 2 });
  const next = { ...counts, updated: 1, unchanged: 1 };
  assert.deepEqual(await importHtpasswd(`anna:${BCRYPT}\nbert:${APR1}`, accounts), next);
  assert.equal((await accounts.verify('anna', 'correct horse'))?.name, 'anna');
});

test('an imported hash that was upgraded is not imported again', async (t) => {
  const { accounts, hashOf } = openAccounts(t);
  await importHtpasswd(`anna:${SHA}`, accounts);
  await accounts.verify('anna', 'correct horse');
  assert.match(await hashOf('anna'), /^\$argon2id/);
  assert.equal((await importHtpasswd(`anna:${SHA}`, accounts)).unchanged, 1);
  assert.match(await hashOf('anna'), /^\$argon2id/);
});

test('an account made here, or given another password here, keeps it', async (t) => {
  const { accounts } = openAccounts(t);
  await accounts.put('anna', { password: 'made right here' });
  await importHtpasswd(`anna:${SHA}\nbert:${SHA}`, accounts);
  await accounts.put('bert', { password: 'changed here' });
  assert.equal((await importHtpasswd(`anna:${SHA}\nbert:${SHA}`, accounts)).unchanged, 2);
  assert.equal(await accounts.verify('anna', 'correct horse'), undefined);
  assert.ok(await accounts.verify('anna', 'made right here'));
  assert.ok(await accounts.verify('bert', 'changed here'));
});
