import type { Site } from '../second-factors/factors.ts';
import { type Html, html } from './html.ts';
import { oneField, type Visit } from './page.ts';

/** Gives where the browser shows its passkey. */
export function siteOf({ request }: Visit): Site {
  return { rpId: request.host, origin: `https://${request.authority.replace(/:443$/, '')}` };
}

/** Gives what the script put into the form; `undefined` when that is not JSON. */
export function passkeyAnswer({ form }: Visit): unknown {
  try {
    return JSON.parse(oneField(form, 'answer') ?? '');
  } catch {
    return undefined;
  }
}

export interface PasskeyForm {
  readonly kind: 'create' | 'get';
  readonly action: string;
  readonly fields: Html;
  readonly label: string;
}

/** Gives a form whose button the script shows, and whose answer it fills in. */
export function passkeyForm({ kind, action, fields, label }: PasskeyForm): Html {
  return html`<form class="stack" method="post" action="${action}" data-passkey="${kind}" data-options="${action}/options">
${fields}<input type="hidden" name="answer">
<button class="plain wide-button" type="submit" hidden>${label}</button>
<noscript><p class="quiet">Passkeys need JavaScript.</p></noscript>
<p class="quiet" role="status" data-status></p>
</form>`;
}
