import { GatewayError } from '../errors.ts';
import { completeSignIn, landing } from './complete-sign-in.ts';
import type { Finished } from './oidc/finish.ts';
import { flowFailure } from './oidc/flow-failure.ts';
import { jsonAnswer, type PageAnswer, type PageRow, seeOther, type Visit } from './page.ts';
import type { SignInParts } from './parts.ts';
import { HOME, returnTarget, signInPath } from './return-target.ts';
import { presentSession } from './session-cookie.ts';

/** Gives the pages to which a provider sends browsers back, and those where it tells that a session ended. */
export function oidcPages(parts: SignInParts): readonly PageRow[] {
  return [
    { method: 'GET', path: '/callback/:provider', page: (visit) => callBack(parts, visit) },
    { method: 'POST', path: '/backchannel-logout/:provider', page: (visit) => endFromThere(parts, visit) },
  ];
}

async function callBack(parts: SignInParts, visit: Visit): Promise<PageAnswer> {
  const { authority, cookie } = visit.request;
  const provider = visit.params.provider ?? '';
  const finish = () => oidcOf(parts).finish({ provider, authority, query: visit.query, cookie });
  const finished = await finish().catch(async (failure: unknown) => {
    if (!isOver(failure)) throw failure;
    // A provider may end the sign-ins of other tabs with each that succeeds. Who has a session when they get to the sign-in page,
    // maybe made while this one was refused, goes on from there; who has none can start again.
    visit.admitted.arrived.record.reason = failure.reason;
    return finish();
  });
  if (finished.kind === 'stale') return goOnAnyway(parts, visit, finished.returnTo);
  await demandOtherName(parts, provider, finished.facts.user);
  const answer = await completeSignIn(parts, visit, {
    proven: provenOf(finished),
    returnTo: returnTarget(finished.returnTo) ?? HOME,
  });
  const cookies = finished.setCookies.flatMap((value) => ['set-cookie', value]);
  return { ...answer, headers: [...answer.headers, ...cookies] };
}

/** Tells whether the provider ended a sign-in that was right so far. */
function isOver(failure: unknown): failure is GatewayError {
  if (!(failure instanceof GatewayError) || failure.code !== 'SP_SIGN_IN_FLOW') return false;
  return failure.reason === 'code-refused' || failure.reason === 'token-refused';
}

/**
 * Security: policies, sessions, app passwords and second factors go by the name of the user. Where providers let people choose
 * theirs, one of them could be the owner of an account.
 */
async function demandOtherName({ accounts }: SignInParts, provider: string, user: string): Promise<void> {
  if ((await accounts.get(user)) === undefined) return;
  throw flowFailure('name-of-account', provider, 'an account has the name of this user');
}

/** A tab that comes late finds the session that another tab made; without one the person starts again. */
async function goOnAnyway(
  { sessions }: SignInParts,
  visit: Visit,
  wanted: string | undefined,
): Promise<PageAnswer> {
  const returnTo = returnTarget(wanted) ?? HOME;
  const session = await presentSession(visit.request, sessions);
  return seeOther(session === undefined ? signInPath(returnTo) : landing(returnTo));
}

function provenOf({ facts }: Extract<Finished, { kind: 'signed-in' }>) {
  const { user, groups, email, provider, authenticatedAtSec, tokens } = facts;
  return {
    user,
    groups,
    email,
    method: 'oidc',
    account: undefined,
    authenticatedAtSec,
    secondFactorAtSec: undefined,
    provider,
    tokens,
  } as const;
}

/** @see OpenID Connect Back-Channel Logout 1.0 §2.8 */
async function endFromThere(parts: SignInParts, visit: Visit): Promise<PageAnswer> {
  await oidcOf(parts).backchannelLogout(visit.params.provider ?? '', visit.form);
  return jsonAnswer({}, ['cache-control', 'no-store']);
}

function oidcOf({ oidc }: SignInParts): NonNullable<SignInParts['oidc']> {
  if (oidc === undefined) throw new GatewayError('SP_SIGN_IN_NOT_FOUND', { reason: 'no-page' });
  return oidc;
}
