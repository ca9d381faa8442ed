import assert from 'node:assert/strict';
import { request } from 'node:https';
import { type TestContext, test } from 'node:test';
import { startTestGateway, type TestGateway } from '../support/gateway.ts';

const RIGHT = 'correct horse battery';

async function open(t: TestContext): Promise<TestGateway> {
  const house = await startTestGateway({
    yaml: `authenticate:
  basic: { realm: Test }
  session: { idle: 30m, absolute: 12h }
  apiKey: { maxLife: 30d }
routes:
  - { host: localhost, upstream: "internal:whoami", allow: authenticated }
`,
  });
  t.after(() => house.close());
  await house.call('PUT', '/v1/users/alice', { password: RIGHT, groups: [] });
  return house;
}

test('guesses wait longer and longer, are told so, and are lines in the security log', async (t) => {
  const house = await open(t);
  const answers = [];
  for (let guess = 0; guess < 8; guess++) answers.push(await ask(house, basic('Alice', `guess ${guess}`)));
  assert.deepEqual(
    answers.map(({ status }) => status),
    [401, 401, 401, 401, 401, 401, 429, 429],
  );
  assert.equal(answers.at(-1)?.retryAfter, '1');
  assert.equal((await ask(house, basic('alice', RIGHT))).status, 429, 'the right one is not looked at');
  assert.equal((await ask(house, { authorization: 'Bearer a.b.c' })).status, 401);
  assert.equal((await ask(house, {})).status, 401, 'without a credential nobody tried');

  const events = (await house.log()).filter(({ log }) => log === 'security');
  assert.deepEqual(
    events.map(({ event, user, method, reason }) => [event, user, method, reason].join(' ')),
    [
      ...Array(6).fill('sign-in-failed alice basic password-wrong'),
      ...Array(3).fill('sign-in-throttled alice basic throttled'),
      'sign-in-failed  token token-malformed',
    ],
  );
  const [first] = events;
  assert.deepEqual(
    [first?.address, first?.host, typeof first?.id, Object.keys(first ?? {}).join(' ')],
    ['127.0.0.1', 'localhost', 'string', 'time log event address user method reason host id'],
  );
});

test('nobody loses a token that they hold because others guess their password', async (t) => {
  const house = await open(t);
  const issued = await ask(house, basic('alice', RIGHT), '/.sallyport/token');
  const bearer = { authorization: `Bearer ${JSON.parse(issued.text).access_token}` };
  // From the address of the owner, even: their own budget there is used up as well.
  for (let guess = 0; guess < 8; guess++) await ask(house, basic('alice', `guess ${guess}`));
  assert.equal((await ask(house, basic('alice', RIGHT))).status, 429);
  assert.equal((await ask(house, bearer)).status, 200);
});

function basic(user: string, password: string): Readonly<Record<string, string>> {
  return { authorization: `Basic ${Buffer.from(`${user}:${password}`).toString('base64')}` };
}

interface Answer {
  readonly status: number;
  readonly retryAfter: string | undefined;
  readonly text: string;
}

function ask(
  { port, ca }: TestGateway,
  headers: Readonly<Record<string, string>>,
  path = '/',
): Promise<Answer> {
  const method = path === '/' ? 'GET' : 'POST';
  const target = { host: '127.0.0.1', port, servername: 'localhost', ca, method, path, agent: false };
  return new Promise((resolve, reject) => {
    const call = request({ ...target, headers: { host: 'localhost', ...headers } }, (answer) => {
      let text = '';
      answer.on('data', (chunk) => {
        text += chunk;
      });
      const { statusCode: status = 0, headers: fields } = answer;
      answer.on('end', () => resolve({ status, retryAfter: fields['retry-after'], text }));
    });
    call.on('error', reject);
    call.end();
  });
}
