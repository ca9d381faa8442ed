import { GatewayError } from '../errors.ts';
import type { Session } from '../sessions/session.ts';
import { showAccount } from './account-page.ts';
import { ACCOUNT, isFresh, ownForm, proveAnew, sessionOf } from './account-visit.ts';
import { browserSecret, sealForm } from './form-token.ts';
import { html } from './html.ts';
import { alarm } from './note.ts';
import type { Kept, OneTime } from './one-time.ts';
import { jsonAnswer, oneField, type PageAnswer, type PageRow, seeOther, type Visit } from './page.ts';
import { framed } from './page-frame.ts';
import type { SignInParts } from './parts.ts';
import { passkeyAnswer, siteOf } from './passkey-form.ts';
import { qrCode } from './qr-code.ts';
import { sessionCookie } from './session-cookie.ts';
import { tokenField } from './session-list.ts';

const NEW_APP = 'new-app';
const NEW_CODES = 'new-codes';
const KEPT_MS = 10 * 60_000;

type Act = (visit: Visit, session: Session) => Promise<PageAnswer>;

/**
 * Gives the pages behind the forms for second factors.
 *
 * Security: each asks for a fresh proof, or a session that was left open would be enough to lock its owner out.
 */
export function factorForms(parts: SignInParts): readonly PageRow[] {
  const post = (path: string, act: Act): PageRow => ({
    method: 'POST',
    path: `/account${path}`,
    async page(visit) {
      const session = await ownForm(parts, visit);
      if (isFresh(parts, session)) return act(visit, session);
      return path.endsWith('/options')
        ? jsonAnswer({ title: 'Sign in again first: reload the page.' }, [], 401)
        : proveAnew();
    },
  });
  const guarded =
    (act: Act): Act =>
    async (visit, session) => {
      try {
        return await act(visit, session);
      } catch (thrown) {
        return problemPage(parts, visit, session, thrown);
      }
    };
  return [
    post(
      '/totp',
      guarded((visit, session) => beginApp(parts, visit, session)),
    ),
    { method: 'GET', path: '/account/totp', page: (visit) => showApp(parts, visit) },
    post(
      '/totp/confirm',
      guarded((visit, session) => confirmApp(parts, visit, session)),
    ),
    post('/passkey/options', (visit, session) => beginPasskey(parts, visit, session)),
    post(
      '/passkey',
      guarded((visit, session) => addPasskey(parts, visit, session)),
    ),
    post('/factors/remove', (visit, session) => removeFactor(parts, visit, session)),
    post('/recovery-codes', async (visit, { user }) => {
      const codes = await parts.secondFactors.codes.newRecoveryCodes(user);
      return codes === undefined ? seeOther(ACCOUNT) : codesPage(parts, visit, codes);
    }),
    { method: 'GET', path: '/account/recovery-codes', page: (visit) => showCodes(parts, visit) },
  ];
}

async function beginApp(parts: SignInParts, visit: Visit, session: Session): Promise<PageAnswer> {
  const name = oneField(visit.form, 'name') ?? '';
  const { user, account } = session;
  const { id, secret, uri } = await parts.secondFactors.codes.begin({ user, account }, name);
  const step = await keep(parts.oneTime, visit, NEW_APP, { id, secret, uri });
  return seeOther(`${ACCOUNT}/totp?step=${step}`);
}

async function showApp(parts: SignInParts, visit: Visit, problem?: string): Promise<PageAnswer> {
  const session = await sessionOf(parts, visit);
  const step = oneField(problem === undefined ? visit.query : visit.form, 'step') ?? '';
  const kept = await parts.oneTime.look(NEW_APP, step, browserSecret(visit.request));
  if (kept === undefined) return seeOther(ACCOUNT);
  const { token } = sealForm(visit, session.id);
  return framed({
    title: 'Add an authenticator app',
    host: visit.request.host,
    status: problem === undefined ? 200 : 422,
    body: html`${alarm(problem)}<p>Scan this with the app, or type the key into it. Then enter the code that it shows.</p>
${qrCode(kept.text('uri'), 'QR code with the key for the app')}
<details><summary>Key as text</summary><p><code class="once">${spaced(kept.text('secret'))}</code></p><p class="quiet">Or as an address: <code>${kept.text('uri')}</code></p></details>
<h2>Code</h2>
<form class="stack" method="post" action="${ACCOUNT}/totp/confirm">${tokenField(token)}<input type="hidden" name="step" value="${step}">
<div class="field"><label for="code">Six digits from the app</label><input id="code" class="code" name="code" inputmode="numeric" autocomplete="one-time-code" required maxlength="16"></div>
<button type="submit">Add the app</button></form>
<nav><a href="${ACCOUNT}">Cancel</a></nav>`,
  });
}

async function confirmApp(parts: SignInParts, visit: Visit, session: Session): Promise<PageAnswer> {
  const step = oneField(visit.form, 'step');
  const kept = await parts.oneTime.look(NEW_APP, step, browserSecret(visit.request));
  if (kept === undefined) return seeOther(ACCOUNT);
  const attempt = { user: session.user, address: visit.client.address };
  const code = oneField(visit.form, 'code') ?? '';
  const enrolled = await parts.secondFactors.codes.confirm(attempt, kept.text('id'), code);
  if (enrolled === undefined) return showApp(parts, visit, 'That code was not right. Wait for the next one.');
  await parts.oneTime.take(NEW_APP, step, browserSecret(visit.request));
  return added(parts, visit, session, enrolled.recoveryCodes);
}

async function beginPasskey(parts: SignInParts, visit: Visit, session: Session): Promise<PageAnswer> {
  const { user, account } = session;
  const name = oneField(visit.form, 'name') ?? '';
  return jsonAnswer(await parts.secondFactors.passkeys.beginAdd({ user, account }, siteOf(visit), name));
}

async function addPasskey(parts: SignInParts, visit: Visit, session: Session): Promise<PageAnswer> {
  const answer = passkeyAnswer(visit);
  const enrolled = await parts.secondFactors.passkeys.finishAdd(session.user, siteOf(visit), answer);
  if (enrolled !== undefined) return added(parts, visit, session, enrolled.recoveryCodes);
  return showAccount(parts, visit, session, { problem: 'This passkey was not accepted.' });
}

/** Who just added a factor has shown it: the session counts it, under another secret. */
async function added(
  parts: SignInParts,
  visit: Visit,
  { id }: Session,
  codes: readonly string[] | undefined,
): Promise<PageAnswer> {
  const renewed = await parts.sessions.elevate(id, { secondFactorAtSec: Math.floor(parts.clock() / 1000) });
  const cookie = renewed === undefined ? [] : sessionCookie(renewed, parts.clock);
  if (codes === undefined) return seeOther(`${ACCOUNT}?done=factor-added`, cookie);
  const answer = await codesPage(parts, visit, codes);
  return { ...answer, headers: [...answer.headers, ...cookie] };
}

async function removeFactor(parts: SignInParts, visit: Visit, { user }: Session): Promise<PageAnswer> {
  await parts.secondFactors.remove(user, oneField(visit.form, 'id') ?? '');
  return seeOther(`${ACCOUNT}?done=factor-removed`);
}

async function codesPage(parts: SignInParts, visit: Visit, codes: readonly string[]): Promise<PageAnswer> {
  const step = await keep(parts.oneTime, visit, NEW_CODES, { codes });
  return seeOther(`${ACCOUNT}/recovery-codes?step=${step}`);
}

/** Security: shown once, to the browser that made them. */
async function showCodes({ oneTime }: SignInParts, visit: Visit): Promise<PageAnswer> {
  const kept = await oneTime.take(NEW_CODES, oneField(visit.query, 'step'), browserSecret(visit.request));
  if (kept === undefined) return seeOther(ACCOUNT);
  return framed({
    title: 'Your recovery codes',
    host: visit.request.host,
    body: html`<p>Each of these takes the place of a second factor once, when your device is lost. They are shown only now: print them, or keep them where your passwords are.</p>
<ol class="codes">${kept.texts('codes').map((code) => html`<li><code>${code}</code></li>`)}</ol>
<p><a class="button" href="${ACCOUNT}?done=factor-added">I have kept them</a></p>`,
  });
}

function keep(oneTime: OneTime, visit: Visit, kind: string, kept: Kept): Promise<string> {
  const browser = browserSecret(visit.request);
  if (browser === undefined) throw new GatewayError('SP_SIGN_IN_NO_COOKIE', { reason: 'form-cookie-absent' });
  return oneTime.keep(kind, kept, { browser, ttlMs: KEPT_MS });
}

/** What the person can mend is told on the account page. */
async function problemPage(
  parts: SignInParts,
  visit: Visit,
  session: Session,
  thrown: unknown,
): Promise<PageAnswer> {
  if (!(thrown instanceof GatewayError)) throw thrown;
  if (thrown.code !== 'SP_ADMIN_BAD_REQUEST' && thrown.code !== 'SP_AUTHENTICATE_THROTTLED') throw thrown;
  return showAccount(parts, visit, session, { problem: thrown.problems.join('. ') || `${thrown.title}.` });
}

function spaced(secret: string): string {
  return secret.replace(/(.{4})(?=.)/g, '$1 ');
}
