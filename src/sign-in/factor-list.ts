import type { PasskeyView, SecondFactorList, TotpView } from '../second-factors/factors.ts';
import { ACCOUNT } from './account-visit.ts';
import { type Html, html } from './html.ts';
import { moment } from './moment.ts';
import { passkeyForm } from './passkey-form.ts';
import { tokenField } from './session-list.ts';

interface Shown {
  readonly token: string;
  readonly nowSec: number;
  readonly host: string;
}

/** Gives the list of the second factors of a user, and the forms for others. */
export function factorList({ totp, passkeys, recoveryCodesLeft }: SecondFactorList, shown: Shown): Html {
  const { token, host } = shown;
  const hasAny = totp.length + passkeys.length > 0;
  return html`<h2 id="factors">My second factors</h2>
<p class="quiet">Asked for after the password. A passkey can take its place.</p>
${
  hasAny &&
  html`<ul class="list" aria-labelledby="factors">${totp.map((app) => item(app, 'Authenticator app', shown))}${passkeys.map((key) => item(key, placeOf(key, host), shown))}</ul>
<form class="row" method="post" action="${ACCOUNT}/recovery-codes">${tokenField(token)}<span>${recoveryCodesLeft === 1 ? 'One recovery code is' : `${recoveryCodesLeft} recovery codes are`} left.</span><button class="plain small" type="submit">Make new ones</button></form>`
}
<details><summary>Add an authenticator app</summary>
<form class="stack" method="post" action="${ACCOUNT}/totp">${tokenField(token)}${nameField('totp-name', 'Authenticator app')}<button type="submit">Go on</button></form></details>
<details><summary>Add a passkey</summary>
${passkeyForm({
  kind: 'create',
  action: `${ACCOUNT}/passkey`,
  fields: html`${tokenField(token)}${nameField('passkey-name', 'Passkey')}`,
  label: 'Add a passkey',
})}</details>`;
}

function placeOf({ rpId }: PasskeyView, host: string): string {
  return rpId === host ? 'Passkey' : `Passkey for ${rpId}`;
}

function item(
  { id, name, createdAtSec, lastUsedSec }: TotpView,
  what: string,
  { token, nowSec }: Shown,
): Html {
  return html`<li><div><strong>${name}</strong><br><small>${what}, added ${moment(createdAtSec, nowSec)}${lastUsedSec !== undefined && html`, last used ${moment(lastUsedSec, nowSec)}`}</small></div>
<form method="post" action="${ACCOUNT}/factors/remove">${tokenField(token)}<input type="hidden" name="id" value="${id}"><button class="small alarm" type="submit" aria-label="Remove ${name}">Remove</button></form></li>`;
}

function nameField(id: string, value: string): Html {
  return html`<div class="field"><label for="${id}">Name</label><input id="${id}" name="name" required maxlength="64" value="${value}"></div>`;
}
