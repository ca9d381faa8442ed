import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import { AcmeConnection, readDirectory } from '../../../../src/certificates/acme/acme-connection.ts';
import { AcmeError } from '../../../../src/certificates/acme/acme-error.ts';
import { Wire } from '../../../../src/certificates/acme/wire.ts';
import { ecKey } from '../../../fixtures/certificates/pki.ts';
import { type AcmeFront, type Intercept, startAcmeFront } from '../../../support/acme-front.ts';

async function serve(
  t: TestContext,
  intercept: Intercept,
): Promise<{ readonly front: AcmeFront; readonly wire: Wire }> {
  const front = await startAcmeFront(undefined);
  front.intercept = intercept;
  const wire = new Wire(new AbortController().signal, front.ca);
  t.after(() => {
    wire.close();
    front.close();
  });
  return { front, wire };
}

/** Gives a connection whose server answers each POST as `answer` says, with nonces that count up. */
async function connection(t: TestContext, answer: (post: number) => { status: number; type?: string }) {
  let nonces = 0;
  let posts = 0;
  const seen: string[] = [];
  const { front, wire } = await serve(t, (req, res, body) => {
    res.setHeader('replay-nonce', `n${++nonces}`);
    if (req.method !== 'POST') {
      res.writeHead(200).end();
      return true;
    }
    const head = JSON.parse(Buffer.from(JSON.parse(body.toString()).protected, 'base64url').toString());
    seen.push(head.nonce);
    const { status, type } = answer(++posts);
    res.writeHead(status, { location: 'https://127.0.0.1/account/1' });
    res.end(JSON.stringify({ type: `urn:ietf:params:acme:error:${type}`, detail: 'no' }));
    return true;
  });
  const url = front.directory;
  const directory = { newNonce: url, newAccount: url, newOrder: url, renewalInfo: undefined };
  return { seen, url, made: new AcmeConnection({ wire, directory, key: ecKey(), clock: Date.now }) };
}

test('a refused nonce is replaced by the one that came with the refusal', async (t) => {
  const { made, seen, url } = await connection(t, (post) =>
    post < 3 ? { status: 400, type: 'badNonce' } : { status: 200 },
  );
  await made.post(url, {}, { what: 'x' });
  assert.deepEqual(seen, ['n1', 'n2', 'n3']);
});

test('a server that refuses every nonce is given up after eight', async (t) => {
  const { made, seen, url } = await connection(t, () => ({ status: 400, type: 'badNonce' }));
  await assert.rejects(made.post(url, {}, { what: 'x' }), { type: 'badNonce' });
  assert.equal(seen.length, 8);
});

test('any other refusal is final at once', async (t) => {
  const { made, seen, url } = await connection(t, () => ({ status: 403, type: 'unauthorized' }));
  await assert.rejects(made.post(url, {}, { what: 'x' }), { type: 'unauthorized', reason: 'refused' });
  assert.equal(seen.length, 1);
});

test('a nonce is never used twice', async (t) => {
  const { made, seen, url } = await connection(t, () => ({ status: 200 }));
  for (let i = 0; i < 5; i++) await made.post(url, {}, { what: 'x' });
  assert.equal(new Set(seen).size, 5);
});

test('an answer past 1 MiB, a redirect, a directory without its members: each is refused', async (t) => {
  const huge = await serve(t, (_req, res) => {
    res.writeHead(200).end(Buffer.alloc(1_100_000, 0x20));
    return true;
  });
  await assert.rejects(readDirectory(huge.wire, huge.front.directory, Date.now), { reason: 'malformed' });
  const moved = await serve(t, (_req, res) => {
    res.writeHead(302, { location: 'https://elsewhere.test/' }).end();
    return true;
  });
  await assert.rejects(readDirectory(moved.wire, moved.front.directory, Date.now), /302/);
  const bare = await serve(t, (_req, res) => {
    res.writeHead(200).end('{"newNonce":"x"}');
    return true;
  });
  await assert.rejects(readDirectory(bare.wire, bare.front.directory, Date.now), /newAccount is not a text/);
});

test('only https is spoken, and only with a server that the trusted authority vouches for', async (t) => {
  const { front } = await serve(t, () => false);
  const wire = new Wire(new AbortController().signal);
  t.after(() => wire.close());
  const refusals: [string, string][] = [
    ['http://127.0.0.1:1/dir', 'malformed'],
    ['file:///etc/passwd', 'malformed'],
    ['https://user:secret@127.0.0.1/dir', 'malformed'],
    [front.directory, 'unreachable'],
  ];
  for (const [url, reason] of refusals) {
    await assert.rejects(wire.ask({ method: 'GET', url }), (error) => {
      assert.ok(error instanceof AcmeError);
      assert.equal(error.reason, reason, url);
      assert.doesNotMatch(error.message, /secret/);
      return true;
    });
  }
});
