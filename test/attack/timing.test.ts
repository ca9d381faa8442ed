import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { startTestGateway, type TestGateway } from '../support/gateway.ts';
import { allWalks, type Walk } from '../support/walks.ts';

/** Of each test; nobody fails so often that the delay for guessers begins, a second try included. */
const USERS = 8;
const SAMPLES = 8;
let house: TestGateway;
let walks: readonly Walk[];

before(async () => {
  // Every attempt comes from an address of its own, so that none is slowed down for the ones before it.
  house = await startTestGateway({
    yaml: `authenticate: { basic: { realm: Test } }
routes: [{ host: localhost, upstream: "internal:whoami", allow: authenticated }]
`,
    listen: 'trustedProxies: ["127.0.0.1/32"]',
  });
  for (let i = 0; i < USERS; i++)
    await house.call('PUT', `/v1/users/known${i}`, { password: 'correct horse' });
  walks = allWalks(house).filter(({ name }) => !name.includes('WebSocket'));
});
after(async () => {
  for (const walk of walks) walk.close();
  await house.close();
});

let attempts = 0;
let turn = 0;

/** Gives how long a refusal takes, milliseconds. */
async function refusal(walk: Walk, user: string, password: string): Promise<number> {
  attempts++;
  const address = `10.${attempts >> 8}.${attempts & 255}.1`;
  const credential = Buffer.from(`${user}:${password}`).toString('base64');
  const startedAt = performance.now();
  const { status } = await walk.ask({
    fields: [
      ['authorization', `Basic ${credential}`],
      ['x-forwarded-for', address],
    ],
  });
  const took = performance.now() - startedAt;
  assert.equal(status, 401, `${user} from ${address}: ${status}`);
  return took;
}

const median = (times: readonly number[]): number => [...times].sort((a, b) => a - b)[times.length >> 1] ?? 0;

/** Measures in turns, so that what else the machine does hits both alike. */
async function ratio(walk: Walk, unknownName: (i: number) => string, first: number): Promise<number> {
  const known: number[] = [];
  const unknown: number[] = [];
  for (let i = 0; i < SAMPLES; i++) {
    known.push(await refusal(walk, `known${first + (turn++ % USERS)}`, `wrong${i}`));
    unknown.push(await refusal(walk, unknownName(attempts), `wrong${i}`));
  }
  return median(unknown) / median(known);
}

for (const [what, unknownName, first] of [
  ['an unknown user', (i: number) => `unknown${i}`, 0],
  ['a name that no account can have', (i: number) => `not/a name ${i}`, USERS],
] as const) {
  test(`${what} is refused as slowly as a known one with a wrong password`, async () => {
    for (const walk of walks) {
      await refusal(walk, `nobody${attempts}`, 'warming up');
      let found = await ratio(walk, unknownName, first);
      if (found < 0.5 || found > 2) found = await ratio(walk, unknownName, first);
      assert.ok(found >= 0.5 && found <= 2, `${walk.name}: ${found.toFixed(2)} times as long`);
    }
  });
}
