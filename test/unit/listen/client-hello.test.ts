import assert from 'node:assert/strict';
import { test } from 'node:test';
import { readClientHello } from '../../../src/listen/client-hello.ts';
import { clientHello } from '../../support/client-hello.ts';

/** Gives a message in records of one byte each. */
function crumbs(message: Buffer): Buffer {
  return Buffer.concat([...message].map((byte) => Buffer.from([22, 3, 1, 0, 1, byte])));
}

test('a ClientHello that comes in crumbs is found, in a few looks and not in one for every byte', () => {
  const message = clientHello({ name: Buffer.from(`${'a'.repeat(60)}.example.com`) });
  const bytes = crumbs(message);
  let looks = 0;
  for (let heard = 1; heard <= bytes.length; looks++) {
    const reading = readClientHello(bytes.subarray(0, heard));
    if (reading.kind === 'hello') {
      assert.equal(reading.serverName, `${'a'.repeat(60)}.example.com`);
      assert.ok(looks < 60, `${looks} looks at ${bytes.length} bytes`);
      return;
    }
    assert.equal(reading.kind, 'more');
    const missing = reading.kind === 'more' ? reading.missing : 0;
    assert.ok(missing >= 1);
    heard += missing;
  }
  assert.fail('it was never found');
});
