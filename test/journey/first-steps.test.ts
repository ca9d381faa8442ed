import assert from 'node:assert/strict';
import { request } from 'node:https';
import { test } from 'node:test';
import { startTestGateway } from '../support/gateway.ts';

test('a token got for a password opens the same route as the password', async () => {
  const house = await startTestGateway({
    yaml: `authenticate: { basic: { realm: Test } }
routes:
  - { host: localhost, upstream: "internal:whoami", allow: authenticated }
`,
  });
  try {
    const put = await house.call('PUT', '/v1/users/alice', { password: 'correct horse', groups: ['staff'] });
    assert.equal(put.status, 200);
    const basic = `Basic ${Buffer.from('alice:correct horse').toString('base64')}`;
    const issued = await get(house, 'POST', '/.sallyport/token', basic);
    assert.equal(issued.status, 200);
    const token = JSON.parse(issued.text).access_token;
    const answer = await get(house, 'GET', '/', `Bearer ${token}`);
    assert.equal(answer.status, 200);
    assert.equal(JSON.parse(answer.text).user, 'alice');
    assert.equal((await get(house, 'GET', '/', 'Bearer x.y.z')).status, 401);
  } finally {
    await house.close();
  }
});

function get(
  { port, ca }: { port: number; ca: string },
  method: string,
  path: string,
  authorization: string,
): Promise<{ status: number; text: string }> {
  return new Promise((resolve, reject) => {
    const call = request(
      {
        host: '127.0.0.1',
        port,
        servername: 'localhost',
        ca,
        method,
        path,
        agent: false,
        headers: { host: 'localhost', authorization },
      },
      (answer) => {
        let text = '';
        answer.on('data', (chunk) => {
          text += chunk;
        });
        answer.on('end', () => resolve({ status: answer.statusCode ?? 0, text }));
      },
    );
    call.on('error', reject);
    call.end();
  });
}
