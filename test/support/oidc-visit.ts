import assert from 'node:assert/strict';
import type { SignedInFacts } from '../../src/sign-in/oidc/finish.ts';
import { cookieOf, type OidcProcess } from './oidc-house.ts';
import { PersonAtProvider, type RealProvider } from './real-provider.ts';

/** Signs a person in at the provider `corp` for `app.test`. @returns the public id of the session, and what it was made from */
export async function signIn(
  { oidc, sessions }: OidcProcess,
  provider: RealProvider,
  person: string | PersonAtProvider,
): Promise<{ readonly id: string; readonly facts: SignedInFacts }> {
  const order = {
    provider: 'corp',
    authority: 'app.test',
    returnTo: '/',
    session: undefined,
    cookie: undefined,
    address: '192.0.2.1',
  };
  const begun = await oidc.begin(order);
  const browser = typeof person === 'string' ? new PersonAtProvider(provider, person) : person;
  const back = await browser.visit(begun.location);
  const cookie = cookieOf(begun.setCookies);
  const finished = await oidc.finish({ ...order, query: back.searchParams, cookie });
  if (finished.kind !== 'signed-in') assert.fail(`it is ${finished.kind}`);
  const { facts } = finished;
  const { id } = await sessions.create({ ...facts, method: 'oidc' });
  return { id, facts };
}
