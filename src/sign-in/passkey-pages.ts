import { completeSignIn } from './complete-sign-in.ts';
import { demandOwnForm } from './form-token.ts';
import { jsonAnswer, oneField, type PageAnswer, type PageRow, type Visit } from './page.ts';
import type { SignInParts } from './parts.ts';
import { passkeyAnswer, siteOf } from './passkey-form.ts';
import { HOME, returnTarget } from './return-target.ts';
import { showSignIn } from './sign-in-pages.ts';

/** Gives the pages on which a passkey is the whole sign-in: it says who it is, and counts as both factors. */
export function passkeyPages(parts: SignInParts): readonly PageRow[] {
  return [
    {
      method: 'POST',
      path: '/passkey/options',
      async page(visit) {
        demandOwnForm(visit, '');
        await parts.brake(visit.client.address);
        return jsonAnswer(await parts.secondFactors.passkeys.beginUse(siteOf(visit), undefined));
      },
    },
    { method: 'POST', path: '/passkey', page: (visit) => signIn(parts, visit) },
  ];
}

async function signIn(parts: SignInParts, visit: Visit): Promise<PageAnswer> {
  demandOwnForm(visit, '');
  const returnTo = returnTarget(oneField(visit.form, 'return')) ?? HOME;
  const { address } = visit.client;
  const proved = await parts.secondFactors.passkeys.signIn(address, siteOf(visit), passkeyAnswer(visit));
  const account = proved?.account === undefined ? undefined : await parts.accounts.get(proved.account);
  if (proved === undefined || account === undefined) {
    // A provider that vouched for somebody must be asked again: the passkey does not know whether it still does.
    const reason = 'passkey-unknown';
    Object.assign(visit.admitted.arrived.record, { decision: 'denied', reason });
    visit.admitted.arrived.record.failedSignIn = {
      outcome: 'failed',
      method: 'passkey',
      user: undefined,
      reason,
    };
    const text = proved === undefined || proved.account !== undefined ? WRONG : PROVIDER_FIRST;
    return showSignIn(parts, visit, { returnTo, text });
  }
  const nowSec = Math.floor(parts.clock() / 1000);
  return completeSignIn(parts, visit, {
    returnTo,
    proven: {
      user: account.name,
      groups: account.groups,
      email: account.email?.toLowerCase(),
      method: 'session',
      account: account.name,
      authenticatedAtSec: nowSec,
      secondFactorAtSec: nowSec,
    },
  });
}

const WRONG = 'This passkey was not accepted.';
const PROVIDER_FIRST = 'Sign in with your provider first; the passkey is then your second factor.';
