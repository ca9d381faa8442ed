import { RESERVED_PATH } from './internal-routes.ts';

/** Address of the script that talks to passkeys. */
export const PASSKEY_SCRIPT_PATH = `${RESERVED_PATH}/passkey.js`;

/**
 * The one script of the pages: WebAuthn cannot be had without. It shows the buttons, asks the browser for a passkey and puts its
 * answer into the form, which is then sent like any other.
 */
export const PASSKEY_SCRIPT = `const able =
  typeof PublicKeyCredential === 'function' && 'parseRequestOptionsFromJSON' in PublicKeyCredential;

for (const form of document.querySelectorAll('form[data-passkey]')) {
  const status = form.querySelector('[data-status]');
  const button = form.querySelector('button');
  if (!able) {
    status.textContent = 'This browser does not know passkeys.';
    continue;
  }
  button.hidden = false;
  form.addEventListener('submit', async (event) => {
    event.preventDefault();
    button.disabled = true;
    status.textContent = 'Waiting for your passkey\\u2026';
    try {
      form.elements.answer.value = JSON.stringify(await ask(form));
      form.submit();
    } catch (problem) {
      status.textContent =
        problem.name === 'NotAllowedError' ? 'Nothing was chosen. You can try again.' : problem.message;
      button.disabled = false;
    }
  });
}

async function ask(form) {
  const answer = await fetch(form.dataset.options, {
    method: 'POST',
    body: new URLSearchParams(new FormData(form)),
    headers: { accept: 'application/json' },
  });
  const options = await answer.json();
  if (!answer.ok) throw new Error(options.title ?? 'That did not work.');
  const credential =
    form.dataset.passkey === 'create'
      ? await navigator.credentials.create({
          publicKey: PublicKeyCredential.parseCreationOptionsFromJSON(options),
        })
      : await navigator.credentials.get({
          publicKey: PublicKeyCredential.parseRequestOptionsFromJSON(options),
        });
  return credential.toJSON();
}
`;
