import { GatewayError } from '../errors.ts';
import type { FailedSignIn } from '../exchange.ts';
import type { FactorAttempt, SecondFactorList } from '../second-factors/factors.ts';
import { ACCOUNT } from './account-visit.ts';
import { type BetweenFactors, enter, hasFactors, landing, stillStands, WAITING } from './complete-sign-in.ts';
import { browserSecret, demandOwnForm, sealForm } from './form-token.ts';
import { type Html, html } from './html.ts';
import { RESERVED_PATH } from './internal-routes.ts';
import { alarm, waitWords } from './note.ts';
import { jsonAnswer, oneField, type PageAnswer, type PageRow, seeOther, type Visit } from './page.ts';
import { framed } from './page-frame.ts';
import type { SignInParts } from './parts.ts';
import { passkeyAnswer, passkeyForm, siteOf } from './passkey-form.ts';
import { PASSKEY_SCRIPT_PATH } from './passkey-script.ts';
import { HOME, returnTarget, signInPath } from './return-target.ts';
import { presentSession, sessionCookie } from './session-cookie.ts';
import { hiddenFields } from './sign-in-view.ts';
import { waitingOf } from './waiting.ts';

const PATH = `${RESERVED_PATH}/second-factor`;

/** Who is asked for a second factor: somebody between the two, or somebody signed in whom a route asks for it. */
interface Asked {
  readonly user: string;
  readonly returnTo: string;
  /** Id of the record that waits; empty for a step-up. */
  readonly step: string;
  readonly waiting: BetweenFactors | undefined;
  readonly sessionId: string | undefined;
}

/** Gives the pages of the second factor: codes and passkeys, for a sign-in and for a step-up. */
export function secondFactorPages(parts: SignInParts): readonly PageRow[] {
  const guard = (act: (visit: Visit, asked: Asked) => Promise<PageAnswer>) => async (visit: Visit) => {
    demandOwnForm(visit, '');
    const asked = await askedOf(parts, visit, visit.form);
    return asked === undefined ? expired(visit) : act(visit, asked);
  };
  return [
    { method: 'GET', path: '/second-factor', page: (visit) => arrive(parts, visit) },
    {
      method: 'POST',
      path: '/second-factor',
      page: guard((visit, asked) => submitCode(parts, visit, asked)),
    },
    {
      method: 'POST',
      path: '/second-factor/passkey/options',
      page: guard(async (visit, { user }) => {
        const options = await parts.secondFactors.passkeys.beginUse(siteOf(visit), user);
        return options === undefined
          ? jsonAnswer({ title: 'You have no passkey here.' }, [], 404)
          : jsonAnswer(options);
      }),
    },
    {
      method: 'POST',
      path: '/second-factor/passkey',
      page: guard((visit, asked) => submitPasskey(parts, visit, asked)),
    },
  ];
}

async function arrive(parts: SignInParts, visit: Visit): Promise<PageAnswer> {
  const asked = await askedOf(parts, visit, visit.query);
  if (asked === undefined) {
    return seeOther(signInPath(returnTarget(oneField(visit.query, 'return')) ?? HOME));
  }
  return show(parts, visit, asked);
}

/** Gives who is asked; `undefined` when the wait is over, or nobody is signed in. */
async function askedOf(
  parts: SignInParts,
  visit: Visit,
  fields: URLSearchParams,
): Promise<Asked | undefined> {
  const step = oneField(fields, 'step') ?? '';
  if (step !== '') {
    const kept = await parts.oneTime.look(WAITING, step, browserSecret(visit.request));
    const waiting = kept && waitingOf(kept);
    return (
      waiting && {
        user: waiting.proven.user,
        returnTo: waiting.returnTo,
        step,
        waiting,
        sessionId: undefined,
      }
    );
  }
  const session = await presentSession(visit.request, parts.sessions);
  const returnTo = returnTarget(oneField(fields, 'return')) ?? HOME;
  return session && { user: session.user, returnTo, step, waiting: undefined, sessionId: session.id };
}

async function submitCode(parts: SignInParts, visit: Visit, asked: Asked): Promise<PageAnswer> {
  const code = oneField(visit.form, 'code') ?? '';
  return judge(parts, visit, { ...asked, method: 'totp' }, async (attempt) => {
    return (await parts.secondFactors.codes.verify(attempt, code)) !== undefined;
  });
}

async function submitPasskey(parts: SignInParts, visit: Visit, asked: Asked): Promise<PageAnswer> {
  return judge(parts, visit, { ...asked, method: 'passkey' }, (attempt) =>
    parts.secondFactors.passkeys.stepUp(attempt, siteOf(visit), passkeyAnswer(visit)),
  );
}

async function judge(
  parts: SignInParts,
  visit: Visit,
  asked: Asked & Pick<FailedSignIn, 'method'>,
  prove: (attempt: FactorAttempt) => Promise<boolean>,
): Promise<PageAnswer> {
  try {
    const isProved = await prove({ user: asked.user, address: visit.client.address });
    if (!isProved) {
      tell(visit, asked, 'failed');
      return await show(parts, visit, asked, 'That was not right. Codes count once, and for half a minute.');
    }
    return await goOn(parts, visit, asked);
  } catch (thrown) {
    if (!(thrown instanceof GatewayError) || thrown.code !== 'SP_AUTHENTICATE_THROTTLED') throw thrown;
    tell(visit, asked, 'throttled');
    const waitSec = Number(thrown.headers[1] ?? 1);
    return show(parts, visit, asked, `Too many failed attempts. Try again in ${waitWords(waitSec * 1000)}.`);
  }
}

/** Writes into the record of the exchange that a second factor did not succeed. */
function tell(
  { admitted: { arrived } }: Visit,
  { user, method }: Asked & Pick<FailedSignIn, 'method'>,
  outcome: FailedSignIn['outcome'],
): void {
  const reason = outcome === 'failed' ? 'second-factor-wrong' : 'throttled';
  Object.assign(arrived.record, { decision: 'denied', reason });
  arrived.record.failedSignIn = { outcome, method, user, reason };
}

/** Security: the waiting sign-in is taken, so that of several right answers one makes a session. */
async function goOn(parts: SignInParts, visit: Visit, asked: Asked): Promise<PageAnswer> {
  const secondFactorAtSec = Math.floor(parts.clock() / 1000);
  if (asked.waiting !== undefined) {
    const taken = await parts.oneTime.take(WAITING, asked.step, browserSecret(visit.request));
    if (taken === undefined) return expired(visit);
    if (!(await stillStands(parts, asked.waiting))) {
      Object.assign(visit.admitted.arrived.record, { decision: 'denied', reason: 'ended-meanwhile' });
      return expired(visit);
    }
    const { proven, returnTo } = asked.waiting;
    return enter(parts, visit, { proven: { ...proven, secondFactorAtSec }, returnTo });
  }
  const renewed = await parts.sessions.elevate(asked.sessionId ?? '', { secondFactorAtSec });
  if (renewed === undefined) return expired(visit);
  return seeOther(landing(asked.returnTo), sessionCookie(renewed, parts.clock));
}

async function show(parts: SignInParts, visit: Visit, asked: Asked, problem?: string): Promise<PageAnswer> {
  const list = await parts.secondFactors.list(asked.user);
  const { token, headers } = sealForm(visit, '');
  return framed({
    title: 'Second factor',
    host: visit.request.host,
    status: problem === undefined ? 200 : 401,
    headers: problem === undefined ? headers : [...headers, 'www-authenticate', 'Form'],
    script: PASSKEY_SCRIPT_PATH,
    body: hasFactors(list)
      ? forms({ asked, list, token, problem, host: visit.request.host })
      : html`<p>This place asks for a second factor, and you have not set one up yet.</p>
<p><a class="button" href="${ACCOUNT}#factors">Set one up</a></p>`,
  });
}

function forms(order: {
  readonly asked: Asked;
  readonly list: SecondFactorList;
  readonly token: string;
  readonly problem: string | undefined;
  readonly host: string;
}): Html {
  const { asked, list, token, problem, host } = order;
  const fields = html`${hiddenFields(token, asked.returnTo)}<input type="hidden" name="step" value="${asked.step}">`;
  const hasPasskey = list.passkeys.some(({ rpId }) => rpId === host);
  const hint =
    list.totp.length > 0
      ? 'The six digits of your authenticator app, or a recovery code.'
      : 'A recovery code.';
  return html`${alarm(problem)}<p>Signing in as <strong>${asked.user}</strong>.</p>
<form class="stack" method="post" action="${PATH}">${fields}
<div class="field"><label for="code">Code</label>
<input id="code" class="code" name="code" inputmode="${list.totp.length > 0 ? 'numeric' : 'text'}" autocomplete="one-time-code" autocapitalize="none" spellcheck="false" required maxlength="64" autofocus aria-describedby="code-hint"${problem === undefined ? html`` : html` aria-invalid="true"`}>
<small id="code-hint">${hint}</small></div>
<button type="submit">Go on</button></form>
${hasPasskey && html`<p class="or">or</p>${passkeyForm({ kind: 'get', action: `${PATH}/passkey`, fields, label: 'Use a passkey' })}`}
<nav><a href="${signInPath(asked.returnTo)}">Sign in as somebody else</a></nav>`;
}

function expired(visit: Visit): PageAnswer {
  return framed({
    title: 'That took too long',
    host: visit.request.host,
    status: 400,
    body: html`<p>This sign-in is over, or was completed in another tab.</p><p><a class="button" href="${signInPath(HOME)}">Start again</a></p>`,
  });
}
