import type { ApiKeyView } from '../api-keys/api-key.ts';
import { type Html, html } from './html.ts';
import { RESERVED_PATH } from './internal-routes.ts';
import { moment } from './moment.ts';
import { alarm } from './note.ts';
import { tokenField } from './session-list.ts';

/** What was filled in before, to be shown again beside what was wrong with it. */
export interface KeyDraft {
  readonly name: string;
  readonly days: string;
  readonly routes: string;
  readonly methods: string;
  readonly addresses: string;
  readonly problems: readonly string[];
}

export const EMPTY_DRAFT: KeyDraft = {
  name: '',
  days: '90',
  routes: '',
  methods: '',
  addresses: '',
  problems: [],
};

/** Gives the list of the app passwords of a user, and the form for another. */
export function keyList(
  keys: readonly ApiKeyView[],
  { token, nowSec, draft }: { readonly token: string; readonly nowSec: number; readonly draft: KeyDraft },
): Html {
  return html`<h2 id="keys">My app passwords</h2>
<p class="quiet">For programs that cannot sign in with a browser. Each can be limited, and ended without touching your own password.</p>
${keys.length > 0 && html`<ul class="list" aria-labelledby="keys">${keys.map((key) => item(key, token, nowSec))}</ul>`}
<details${draft.problems.length > 0 ? html` open` : html``}><summary>Make an app password</summary>
${draft.problems.length > 0 && alarm(draft.problems.join('. '))}
${form(token, draft)}</details>`;
}

function item(
  { id, name, bounds, expiresAtSec, lastUsedSec, lastAddress }: ApiKeyView,
  token: string,
  nowSec: number,
): Html {
  const limits = [...bounds.routes, ...bounds.methods, ...bounds.addresses].join(', ');
  return html`<li><div><strong>${name}</strong><br><small>
${lastUsedSec === undefined ? 'never used' : html`last used ${moment(lastUsedSec, nowSec)}${lastAddress !== undefined && html` from <span class="mono">${lastAddress}</span>`}`}, ${expiresAtSec === undefined ? 'does not end by itself' : html`ends ${moment(expiresAtSec, nowSec)}`}${limits !== '' && html`<br>only for <span class="mono">${limits}</span>`}</small></div>
<form method="post" action="${RESERVED_PATH}/account/keys/end">${tokenField(token)}<input type="hidden" name="id" value="${id}"><button class="small alarm" type="submit" aria-label="End the app password ${name}">End</button></form></li>`;
}

function form(token: string, draft: KeyDraft): Html {
  return html`<form class="stack" method="post" action="${RESERVED_PATH}/account/keys">${tokenField(token)}
<div class="field"><label for="key-name">Name</label><input id="key-name" name="name" required maxlength="64" value="${draft.name}" aria-describedby="key-name-hint"><small id="key-name-hint">The program or device that will use it.</small></div>
<div class="field"><label for="key-days">Ends after days</label><input id="key-days" name="days" type="number" min="1" max="3650" inputmode="numeric" value="${draft.days}" aria-describedby="key-days-hint"><small id="key-days-hint">Empty: as late as is allowed here.</small></div>
${bound('routes', 'Only for these hosts or paths', 'One per line, such as files.example.com/dav. Empty: everything that you may use.', draft.routes)}
${bound('methods', 'Only with these methods', 'Such as GET HEAD. Empty: all.', draft.methods)}
${bound('addresses', 'Only from these addresses', 'Such as 192.0.2.0/24. Empty: from anywhere.', draft.addresses)}
<button type="submit">Make it</button></form>`;
}

function bound(name: string, label: string, hint: string, value: string): Html {
  return html`<div class="field"><label for="key-${name}">${label}</label><textarea id="key-${name}" name="${name}" rows="2" spellcheck="false" aria-describedby="key-${name}-hint">${value}</textarea><small id="key-${name}-hint">${hint}</small></div>`;
}
