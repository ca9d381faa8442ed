import { type EchoUpstream, type Fields, startEchoUpstream } from './echo-upstream.ts';
import { startTestGateway, type TestGateway } from './gateway.ts';
import { allWalks, type Walk } from './walks.ts';

/** A gateway in front of an upstream that gives back what it got, and every way in. */
export interface AttackHouse {
  readonly house: TestGateway;
  readonly upstream: EchoUpstream;
  readonly walks: readonly Walk[];
  close(): Promise<void>;
}

/**
 * Starts both, with an account `alice` that has every claim.
 *
 * @param yaml - gives the configuration, without `authenticate`, for the URL of the upstream
 */
export async function openAttackHouse(
  yaml: (upstream: string) => string,
  options: { readonly listen?: string } = {},
): Promise<AttackHouse> {
  const upstream = await startEchoUpstream();
  const house = await startTestGateway({
    ...options,
    yaml: `authenticate: { basic: { realm: Test } }\n${yaml(upstream.url)}`,
  });
  const account = { password: 'correct horse', groups: ['staff'], email: 'alice@example.com' };
  await house.call('PUT', '/v1/users/alice', account);
  const walks = allWalks(house);
  return {
    house,
    upstream,
    walks,
    async close() {
      for (const walk of walks) walk.close();
      await house.close();
      await upstream.close();
    },
  };
}

/** Credential of `alice`; lower-case, so that it is good over HTTP/2 as well. */
export const ALICE: Fields = [
  ['authorization', `Basic ${Buffer.from('alice:correct horse').toString('base64')}`],
];
