import type { SessionView } from '../sessions/session.ts';
import { deviceName } from './device-name.ts';
import { TOKEN_FIELD } from './form-token.ts';
import { type Html, html } from './html.ts';
import { RESERVED_PATH } from './internal-routes.ts';
import { moment, momentWords } from './moment.ts';

/** Gives the list of the sessions of a user, the one of this browser first. */
export function sessionList(
  sessions: readonly SessionView[],
  {
    token,
    present,
    nowSec,
  }: { readonly token: string; readonly present: string | undefined; readonly nowSec: number },
): Html {
  const sorted = [...sessions].sort(
    (a, b) => Number(b.id === present) - Number(a.id === present) || b.lastSeenSec - a.lastSeenSec,
  );
  return html`<h2 id="sessions">My sessions</h2>
<ul class="list" aria-labelledby="sessions">${sorted.map((session) => item(session, token, { isPresent: session.id === present, nowSec }))}</ul>
${
  sorted.length > 1 &&
  html`<form method="post" action="${RESERVED_PATH}/account/sessions/end-others">${tokenField(token)}<button class="plain" type="submit">End all other sessions</button></form>`
}`;
}

function item(
  { id, device, address, lastSeenSec, createdAtSec }: SessionView,
  token: string,
  { isPresent, nowSec }: { readonly isPresent: boolean; readonly nowSec: number },
): Html {
  const name = deviceName(device);
  return html`<li><div><strong>${name}</strong>${isPresent && html`<span class="tag">this browser</span>`}<br>
<small>${address !== undefined && html`<span class="mono">${address}</span>, `}last seen ${moment(lastSeenSec, nowSec)}, signed in ${moment(createdAtSec, nowSec)}</small></div>
${
  !isPresent &&
  html`<form method="post" action="${RESERVED_PATH}/account/sessions/end">${tokenField(token)}<input type="hidden" name="id" value="${id}"><button class="small alarm" type="submit" aria-label="End the session of ${name}, last seen ${momentWords(lastSeenSec, nowSec)}">End</button></form>`
}</li>`;
}

/** Gives the hidden field that carries the token of a form. */
export function tokenField(token: string): Html {
  return html`<input type="hidden" name="${TOKEN_FIELD}" value="${token}">`;
}
