import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { promisify } from 'node:util';
import { startProcess } from '../support/process.ts';

const run = promisify(execFile);

test('in an empty folder every line that the demonstration prints works when it is pasted', async (t) => {
  const house = await startProcess();
  t.after(() => house.end());
  const banner = await printedBanner(() => house.err());
  const blocks = commandBlocks(banner);
  assert.equal(blocks.length, 4, banner);
  const script = blocks.map((block) => block.join('\n'));
  const answers: string[] = [];
  for (const [index, lines] of script.entries()) {
    const { stdout } = await run('bash', ['-eu', '-o', 'pipefail', '-c', strict(lines)], {
      cwd: house.folder,
    });
    answers[index] = stdout;
  }
  assert.match(answers[0] ?? '', /"user": null/);
  assert.match(answers[1] ?? '', /"user": "alice"/);
  assert.match(answers[2] ?? '', /"user": "alice"/);
  const rotated: unknown = JSON.parse(answers[3]?.slice(answers[3].indexOf('{"name"')) ?? '');
  const listed = await house.call('GET', '/v1/certificates');
  assert.equal(
    Reflect.get(Object(rotated), 'fingerprint256'),
    Reflect.get(Object(listed.body)[0], 'fingerprint256'),
  );
  assert.ok(
    readFileSync(join(house.folder, 'data/next/localhost.crt'), 'utf8').includes('BEGIN CERTIFICATE'),
  );
});

/** A curl that meets an error status fails, too. */
function strict(lines: string): string {
  return lines.replaceAll('curl --cacert', 'curl --fail-with-body -sS --cacert');
}

/** The lines under each heading, as a person would copy them: continued lines stay together. */
function commandBlocks(banner: string): string[][] {
  const blocks: string[][] = [];
  for (const line of banner.split('\n')) {
    if (/^ {2}\S/.test(line)) blocks.push([]);
    else if (/^ {4}/.test(line)) blocks.at(-1)?.push(line.trimStart());
  }
  return blocks;
}

async function printedBanner(read: () => string): Promise<string> {
  for (let round = 0; round < 500; round++) {
    if (read().includes('Ctrl-C stops it')) return read();
    await sleep(10);
  }
  throw new Error(`no banner: ${read()}`);
}
