import type { ApiKeyView } from '../api-keys/api-key.ts';
import type { Session } from '../sessions/session.ts';
import { ACCOUNT, sessionOf } from './account-visit.ts';
import { factorList } from './factor-list.ts';
import { sealForm } from './form-token.ts';
import { html } from './html.ts';
import { RESERVED_PATH } from './internal-routes.ts';
import { EMPTY_DRAFT, type KeyDraft, keyList } from './key-list.ts';
import { alarm, good } from './note.ts';
import { oneField, type PageAnswer, type PageRow, type Visit } from './page.ts';
import { framed } from './page-frame.ts';
import type { SignInParts } from './parts.ts';
import { PASSKEY_SCRIPT_PATH } from './passkey-script.ts';
import { sessionList } from './session-list.ts';

/** What a form led to, by the word in the address that it redirects to. */
const DONE: Readonly<Record<string, string>> = {
  'session-ended': 'The session is ended.',
  'sessions-ended': 'All other sessions are ended.',
  'key-ended': 'The app password is ended.',
  'factor-added': 'The second factor is set up.',
  'factor-removed': 'The second factor is removed.',
};

/** Gives the account page: sessions, app passwords and second factors of whoever is signed in. */
export function accountPage(parts: SignInParts): PageRow {
  return {
    method: 'GET',
    path: '/account',
    page: async (visit) => showAccount(parts, visit, await sessionOf(parts, visit)),
  };
}

/** What is shown beside the lists. */
export interface AccountExtra {
  readonly problem?: string;
  readonly draft?: KeyDraft;
}

/** Gives the account page, also when a form on it was not accepted. */
export async function showAccount(
  parts: SignInParts,
  visit: Visit,
  session: Session,
  { problem, draft }: AccountExtra = {},
): Promise<PageAnswer> {
  const { token, headers } = sealForm(visit, session.id);
  const nowSec = Math.floor(parts.clock() / 1000);
  const [sessions, keys, factors] = await Promise.all([
    parts.sessions.list(session.user),
    parts.apiKeys?.list(session.user) ?? ([] as readonly ApiKeyView[]),
    parts.secondFactors.list(session.user),
  ]);
  return framed({
    title: 'My account',
    host: visit.request.host,
    width: 'wide',
    headers,
    status: problem === undefined && draft === undefined ? 200 : 422,
    script: PASSKEY_SCRIPT_PATH,
    body: html`<nav class="top" aria-label="Account"><div class="row"><span>Signed in as <strong>${session.user}</strong></span><a href="${RESERVED_PATH}/sign-out?return=${encodeURIComponent(ACCOUNT)}">Sign out</a></div></nav>
${good(DONE[oneField(visit.query, 'done') ?? ''])}${alarm(problem)}
${sessionList(sessions, { token, present: session.id, nowSec })}
${parts.apiKeys !== undefined && keyList(keys, { token, nowSec, draft: draft ?? EMPTY_DRAFT })}
${factorList(factors, { token, nowSec, host: visit.request.host })}`,
  });
}
