import { GatewayError } from '../errors.ts';
import type { Session } from '../sessions/session.ts';
import { isFresh } from './account-visit.ts';
import { completeSignIn } from './complete-sign-in.ts';
import { demandOwnForm, sealForm } from './form-token.ts';
import { RESERVED_PATH } from './internal-routes.ts';
import { type Need, needOf } from './needs.ts';
import { waitWords } from './note.ts';
import { oneField, type PageAnswer, type PageRow, seeOther, type Visit } from './page.ts';
import { framed } from './page-frame.ts';
import type { SignInParts } from './parts.ts';
import { PASSKEY_SCRIPT_PATH } from './passkey-script.ts';
import { HOME, returnTarget } from './return-target.ts';
import { presentSession } from './session-cookie.ts';
import { signInView } from './sign-in-view.ts';

/** Why a page is shown again. */
interface Problem {
  readonly text: string;
  readonly status: number;
  readonly user: string;
  readonly headers?: readonly string[];
}

/** Gives the pages with which a sign-in, and a step-up, begins: password and choice of a provider. */
export function signInPages(parts: SignInParts): readonly PageRow[] {
  return [
    { method: 'GET', path: '/sign-in', page: (visit) => arrive(parts, visit) },
    { method: 'POST', path: '/sign-in', page: (visit) => submitPassword(parts, visit) },
    { method: 'GET', path: '/provider/:provider', page: (visit) => goToProvider(parts, visit) },
  ];
}

/** Who has what the target asks for goes on at once: a tab that was left open, or a link that was kept. */
async function arrive(parts: SignInParts, visit: Visit): Promise<PageAnswer> {
  const returnTo = returnTarget(oneField(visit.query, 'return')) ?? HOME;
  const session = await presentSession(visit.request, parts.sessions);
  switch (need(parts, visit, { session, returnTo })) {
    case 'nothing':
      return seeOther(returnTo);
    case 'second-factor':
      return seeOther(`${RESERVED_PATH}/second-factor?return=${encodeURIComponent(returnTo)}`);
    default:
      return show(parts, visit, { returnTo, session });
  }
}

/** Gives the sign-in page with what went wrong. */
export async function showSignIn(
  parts: SignInParts,
  visit: Visit,
  { returnTo, text }: { readonly returnTo: string; readonly text: string },
): Promise<PageAnswer> {
  const session = await presentSession(visit.request, parts.sessions);
  const problem: Problem = { text, status: 401, user: '', headers: ['www-authenticate', 'Form'] };
  return show(parts, visit, { returnTo, session, problem });
}

interface Aim {
  readonly session: Session | undefined;
  readonly returnTo: string;
  readonly problem?: Problem;
}

/** A page of ours that changes how the account is guarded asks with `again` for a fresh proof. */
function need(parts: SignInParts, { request, query, form }: Visit, { session, returnTo }: Aim): Need {
  const isAsked = query.get('again') === '1' || form.get('again') === '1';
  if (isAsked && session !== undefined && !isFresh(parts, session)) return 'reauthenticate';
  const path = returnTo.split('?', 1)[0] ?? HOME;
  return needOf({ route: parts.routeOf(request.host, path), session, nowMs: parts.clock() });
}

function show(parts: SignInParts, visit: Visit, aim: Aim): PageAnswer {
  const { returnTo, session, problem } = aim;
  const { token, headers } = sealForm(visit, '');
  const again = need(parts, visit, aim) === 'reauthenticate' ? session : undefined;
  const isProviders = again !== undefined && again.provider !== undefined;
  const body = signInView({
    token,
    returnTo,
    again: again?.user,
    user: problem?.user ?? again?.user ?? '',
    problem: problem?.text,
    hasPasswords: !isProviders,
    hasPasskeys: again === undefined || !isProviders,
    providers: (parts.oidc?.list() ?? []).filter(
      ({ name }) => again === undefined || again.provider?.name === name,
    ),
  });
  return framed({
    title: again === undefined ? 'Sign in' : 'Is it still you?',
    body,
    host: visit.request.host,
    status: problem?.status ?? 200,
    headers: [...headers, ...(problem?.headers ?? [])],
    script: PASSKEY_SCRIPT_PATH,
  });
}

/** Security: what is said of a failure is the same for every name, and every guess is counted before the next may be made. */
async function submitPassword(parts: SignInParts, visit: Visit): Promise<PageAnswer> {
  demandOwnForm(visit, '');
  const returnTo = returnTarget(oneField(visit.form, 'return')) ?? HOME;
  const user = oneField(visit.form, 'user') ?? '';
  const password = oneField(visit.form, 'password') ?? '';
  const attempt = { user, address: visit.client.address };
  const session = await presentSession(visit.request, parts.sessions);
  const throttled = (waitMs: number): PageAnswer =>
    show(parts, visit, { returnTo, session, problem: throttledProblem(visit, user, waitMs) });

  const before = await parts.failures.check(attempt);
  if (before.waitMs > 0) return throttled(before.waitMs);
  const account = await parts.accounts.verify(user, password);
  if (account === undefined) {
    await parts.failures.failed(attempt);
    return show(parts, visit, { returnTo, session, problem: wrongProblem(visit, user) });
  }
  const after = await parts.failures.succeeded(attempt);
  if (after.waitMs > 0) return throttled(after.waitMs);
  const proven = {
    user: account.name,
    groups: account.groups,
    email: account.email?.toLowerCase(),
    method: 'session',
    account: account.name,
    authenticatedAtSec: Math.floor(parts.clock() / 1000),
    secondFactorAtSec: undefined,
  } as const;
  return completeSignIn(parts, visit, { proven, returnTo });
}

function wrongProblem({ admitted: { arrived } }: Visit, user: string): Problem {
  const reason = 'password-wrong';
  Object.assign(arrived.record, { decision: 'denied', reason, code: 'SP_AUTHENTICATE_REJECTED' });
  arrived.record.failedSignIn = { outcome: 'failed', method: 'password', user, reason };
  return {
    text: 'User name or password is wrong.',
    status: 401,
    user,
    headers: ['www-authenticate', 'Form'],
  };
}

function throttledProblem({ admitted: { arrived } }: Visit, user: string, waitMs: number): Problem {
  const reason = 'throttled';
  Object.assign(arrived.record, { decision: 'denied', reason, code: 'SP_AUTHENTICATE_THROTTLED' });
  arrived.record.failedSignIn = { outcome: 'throttled', method: 'password', user, reason };
  return {
    text: `Too many failed attempts. Try again in ${waitWords(waitMs)}.`,
    status: 429,
    user,
    headers: ['retry-after', String(Math.ceil(waitMs / 1000))],
  };
}

async function goToProvider(parts: SignInParts, visit: Visit): Promise<PageAnswer> {
  const { provider } = visit.params;
  if (parts.oidc === undefined || provider === undefined) {
    throw new GatewayError('SP_SIGN_IN_NOT_FOUND', { reason: 'no-page' });
  }
  const returnTo = returnTarget(oneField(visit.query, 'return')) ?? HOME;
  const session = await presentSession(visit.request, parts.sessions);
  const isStepUp =
    session?.provider?.name === provider && need(parts, visit, { session, returnTo }) === 'reauthenticate';
  const { location, setCookies } = await parts.oidc.begin({
    provider,
    authority: visit.request.authority,
    returnTo,
    session: isStepUp ? session : undefined,
    cookie: visit.request.cookie,
    address: visit.client.address,
  });
  return seeOther(
    location,
    setCookies.flatMap((value) => ['set-cookie', value]),
  );
}
