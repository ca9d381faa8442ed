import type { Session } from '../sessions/session.ts';
import { leave } from './complete-sign-in.ts';
import { browserSecret, demandOwnForm, sealForm } from './form-token.ts';
import { type Html, html } from './html.ts';
import { RESERVED_PATH } from './internal-routes.ts';
import { oneField, type PageAnswer, type PageRow, seeOther, type Visit } from './page.ts';
import { framed } from './page-frame.ts';
import type { SignInParts } from './parts.ts';
import { HOME, returnTarget, signInPath } from './return-target.ts';
import { liveSessions } from './session-cookie.ts';
import { hiddenFields } from './sign-in-view.ts';

const PROVIDER_STEP = 'provider-sign-out';
const STEP_MS = 5 * 60_000;

/** Gives the pages that end a session: ask, end, and lead to the provider that has one as well. */
export function signOutPages(parts: SignInParts): readonly PageRow[] {
  return [
    { method: 'GET', path: '/sign-out', page: (visit) => ask(parts, visit) },
    { method: 'POST', path: '/sign-out', page: (visit) => signOut(parts, visit) },
    { method: 'GET', path: '/sign-out/provider', page: (visit) => goToProvider(parts, visit) },
  ];
}

async function ask({ sessions }: SignInParts, visit: Visit): Promise<PageAnswer> {
  const returnTo = returnTarget(oneField(visit.query, 'return')) ?? HOME;
  const [session] = await liveSessions(visit.request, sessions);
  if (session === undefined) return goodbye(visit, { returnTo, next: undefined, headers: [] });
  const { token, headers } = sealForm(visit, '');
  return framed({
    title: 'Sign out?',
    host: visit.request.host,
    headers,
    body: html`<p>You are signed in as <strong>${session.user}</strong>. Signing out ends this session in every tab of this browser.</p>
<form method="post" action="${RESERVED_PATH}/sign-out">${hiddenFields(token, returnTo)}
<div class="row"><button type="submit">Sign out</button><a class="button plain" href="${returnTo}">Stay signed in</a></div></form>`,
  });
}

/** Security: the form is tied to the browser, so that no other page signs its visitors out. */
async function signOut(parts: SignInParts, visit: Visit): Promise<PageAnswer> {
  demandOwnForm(visit, '');
  const returnTo = returnTarget(oneField(visit.form, 'return')) ?? HOME;
  const [session] = await liveSessions(visit.request, parts.sessions);
  const next = session && (await providerStep(parts, visit, session));
  return goodbye(visit, { returnTo, next, headers: await leave(parts, visit) });
}

/**
 * Keeps where the provider ends its session, since the id token in it must stand on no page.
 * @returns the way there; `undefined` when the provider offers none or cannot be asked
 */
async function providerStep(
  { oidc, oneTime }: SignInParts,
  { request }: Visit,
  session: Session,
): Promise<{ readonly path: string; readonly name: string } | undefined> {
  const browser = browserSecret(request);
  if (oidc === undefined || session.provider === undefined || browser === undefined) return undefined;
  const { name } = session.provider;
  const location = await oidc.endSession(session, request.authority).catch(() => undefined);
  if (location === undefined) return undefined;
  const id = await oneTime.keep(PROVIDER_STEP, { location }, { browser, ttlMs: STEP_MS });
  const displayName = oidc.list().find((provider) => provider.name === name)?.displayName ?? name;
  return { path: `${RESERVED_PATH}/sign-out/provider?step=${id}`, name: displayName };
}

async function goToProvider({ oneTime }: SignInParts, visit: Visit): Promise<PageAnswer> {
  const kept = await oneTime.take(PROVIDER_STEP, oneField(visit.query, 'step'), browserSecret(visit.request));
  return seeOther(kept?.text('location') ?? `${RESERVED_PATH}/sign-out`);
}

function goodbye(
  visit: Visit,
  {
    returnTo,
    next,
    headers,
  }: {
    readonly returnTo: string;
    readonly next: { readonly path: string; readonly name: string } | undefined;
    readonly headers: readonly string[];
  },
): PageAnswer {
  const atProvider: Html | undefined =
    next &&
    html`<p>Your session at ${next.name} goes on until you end it there, too.</p>
<p><a class="button" href="${next.path}">Sign out at ${next.name}</a></p>`;
  return framed({
    title: 'You are signed out',
    host: visit.request.host,
    headers,
    body: html`${atProvider}<p><a href="${signInPath(returnTo)}">Sign in again</a></p>`,
  });
}
