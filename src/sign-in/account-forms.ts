import { GatewayError } from '../errors.ts';
import type { Session } from '../sessions/session.ts';
import { showAccount } from './account-page.ts';
import { ACCOUNT, ownForm } from './account-visit.ts';
import { browserSecret } from './form-token.ts';
import { html } from './html.ts';
import type { KeyDraft } from './key-list.ts';
import { oneField, type PageAnswer, type PageRow, seeOther, type Visit } from './page.ts';
import { framed } from './page-frame.ts';
import type { SignInParts } from './parts.ts';

const NEW_KEY = 'new-key';
const SHOWN_FOR_MS = 5 * 60_000;
const DAY_MS = 86_400_000;

/** Gives the pages behind the forms for sessions and app passwords. Each leads back by a redirect, so that a reload repeats nothing. */
export function accountForms(parts: SignInParts): readonly PageRow[] {
  const post = (path: string, act: (visit: Visit, session: Session) => Promise<PageAnswer>): PageRow => ({
    method: 'POST',
    path: `/account${path}`,
    page: async (visit) => act(visit, await ownForm(parts, visit)),
  });
  return [
    post('/sessions/end', (visit, session) => endSession(parts, visit, session)),
    post('/sessions/end-others', (_, session) => endOthers(parts, session)),
    post('/keys', (visit, session) => makeKey(parts, visit, session)),
    post('/keys/end', (visit, session) => endKey(parts, visit, session)),
    { method: 'GET', path: '/account/keys/new', page: (visit) => showKey(parts, visit) },
  ];
}

/** Security: of the ids that anybody could send only those of the user's own sessions count. */
async function endSession({ sessions }: SignInParts, visit: Visit, { user }: Session): Promise<PageAnswer> {
  const id = oneField(visit.form, 'id');
  const own = (await sessions.list(user)).find((session) => session.id === id);
  if (own !== undefined) await sessions.revoke(own.id);
  return seeOther(`${ACCOUNT}?done=session-ended`);
}

async function endOthers({ sessions }: SignInParts, { user, id }: Session): Promise<PageAnswer> {
  const others = (await sessions.list(user)).filter((session) => session.id !== id);
  await Promise.all(others.map((session) => sessions.revoke(session.id)));
  return seeOther(`${ACCOUNT}?done=sessions-ended`);
}

async function makeKey(parts: SignInParts, visit: Visit, session: Session): Promise<PageAnswer> {
  const browser = browserSecret(visit.request);
  if (parts.apiKeys === undefined || browser === undefined) throw noPage();
  const field = (name: string): string => oneField(visit.form, name)?.trim() ?? '';
  const days = field('days');
  const { user, account, groups, email } = session;
  try {
    const { key, view } = await parts.apiKeys.create({
      owner: { user, account, groups, email },
      name: field('name'),
      routes: words(field('routes')),
      methods: words(field('methods')),
      addresses: words(field('addresses')),
      ...(days === '' ? {} : { lifeMs: Number(days) * DAY_MS }),
    });
    const kept = { key, name: view.name };
    const id = await parts.oneTime.keep(NEW_KEY, kept, { browser, ttlMs: SHOWN_FOR_MS });
    return seeOther(`${ACCOUNT}/keys/new?step=${id}`);
  } catch (thrown) {
    if (!(thrown instanceof GatewayError) || thrown.code !== 'SP_ADMIN_BAD_REQUEST') throw thrown;
    const draft: KeyDraft = {
      name: field('name'),
      days,
      routes: field('routes'),
      methods: field('methods'),
      addresses: field('addresses'),
      problems: thrown.problems,
    };
    return showAccount(parts, visit, session, { draft });
  }
}

async function endKey({ apiKeys }: SignInParts, visit: Visit, { user }: Session): Promise<PageAnswer> {
  await apiKeys?.revoke(oneField(visit.form, 'id') ?? '', user);
  return seeOther(`${ACCOUNT}?done=key-ended`);
}

/** Security: shown once, to the browser that made it. */
async function showKey({ oneTime }: SignInParts, visit: Visit): Promise<PageAnswer> {
  const kept = await oneTime.take(NEW_KEY, oneField(visit.query, 'step'), browserSecret(visit.request));
  if (kept === undefined) return seeOther(ACCOUNT);
  return framed({
    title: 'Your new app password',
    host: visit.request.host,
    body: html`<p>This is the app password <strong>${kept.text('name')}</strong>. It is shown only now: copy it into the program that will use it.</p>
<p><code class="once" tabindex="0">${kept.text('key')}</code></p>
<p class="quiet">Programs send it as the password beside your user name, as a Bearer token, or in the field X-Api-Key.</p>
<p><a class="button" href="${ACCOUNT}">I have copied it</a></p>`,
  });
}

function words(text: string): readonly string[] {
  return text.split(/[\s,]+/).filter((word) => word !== '');
}

function noPage(): GatewayError {
  return new GatewayError('SP_SIGN_IN_NOT_FOUND', { reason: 'no-page' });
}
