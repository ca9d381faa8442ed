import { TOKEN_FIELD } from './form-token.ts';
import { type Html, html } from './html.ts';
import { RESERVED_PATH } from './internal-routes.ts';
import { alarm } from './note.ts';
import { passkeyForm } from './passkey-form.ts';

export interface SignInView {
  readonly token: string;
  readonly returnTo: string;
  /** User who proves anew who they are; `undefined` for a sign-in. */
  readonly again: string | undefined;
  readonly user: string;
  readonly problem: string | undefined;
  readonly hasPasswords: boolean;
  readonly hasPasskeys: boolean;
  readonly providers: readonly { readonly name: string; readonly displayName: string }[];
}

/** Gives the body of the sign-in page: password, passkey and providers, as far as they are there. */
export function signInView(view: SignInView): Html {
  const ways = view.hasPasskeys || view.providers.length > 0;
  return html`${alarm(view.problem)}
${view.again !== undefined && html`<p>You are signed in as <strong>${view.again}</strong>. To go on, show once more that it is you.</p>`}
${view.hasPasswords && passwordForm(view)}
${view.hasPasswords && ways && html`<p class="or">or</p>`}
${
  ways &&
  html`<div class="ways">${
    view.hasPasskeys &&
    passkeyForm({
      kind: 'get',
      action: `${RESERVED_PATH}/passkey`,
      fields: hiddenFields(view.token, view.returnTo),
      label: 'Use a passkey',
    })
  }${view.providers.map((provider) => providerLink(view, provider))}</div>`
}
${!view.hasPasswords && !ways && html`<p>No way to sign in is set up here. Ask whoever runs this gateway.</p>`}`;
}

function passwordForm({ token, returnTo, user, again, problem }: SignInView): Html {
  return html`<form class="stack" method="post" action="${RESERVED_PATH}/sign-in">
${hiddenFields(token, returnTo)}${again !== undefined && html`<input type="hidden" name="again" value="1">`}
<div class="field"><label for="user">User name</label>
<input id="user" name="user" value="${user}" autocomplete="username" autocapitalize="none" spellcheck="false" required maxlength="256"${again !== undefined ? html` readonly` : html``}${user === '' ? html` autofocus` : html``}></div>
<div class="field"><label for="password">Password</label>
<input id="password" name="password" type="password" autocomplete="current-password" required maxlength="1024"${user !== '' ? html` autofocus` : html``}${problem !== undefined ? html` aria-invalid="true"` : html``}></div>
<button type="submit">${again === undefined ? 'Sign in' : 'Go on'}</button>
</form>`;
}

/** A link, not a form: a form that leads to another origin would need a wider content security policy. */
function providerLink(
  { returnTo, again }: SignInView,
  { name, displayName }: SignInView['providers'][number],
): Html {
  const way = `${RESERVED_PATH}/provider/${encodeURIComponent(name)}?return=${encodeURIComponent(returnTo)}`;
  return html`<a class="button plain wide-button" href="${way}${again === undefined ? '' : '&again=1'}">Go on with ${displayName}</a>`;
}

/** Gives the fields that every form of a sign-in carries. */
export function hiddenFields(token: string, returnTo: string): Html {
  return html`<input type="hidden" name="${TOKEN_FIELD}" value="${token}"><input type="hidden" name="return" value="${returnTo}">`;
}
