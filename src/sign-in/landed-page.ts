import { html } from './html.ts';
import { oneField, type PageAnswer, type PageRow, type Visit } from './page.ts';
import { framed } from './page-frame.ts';
import type { SignInParts } from './parts.ts';
import { HOME, returnTarget, signInPath } from './return-target.ts';
import { liveSessions } from './session-cookie.ts';

/**
 * Gives the page where every sign-in lands: it leads on when the cookie came back, and says so when it did not. Without it a
 * browser that drops the cookie would go round between target and sign-in for ever.
 */
export function landedPage(parts: SignInParts): PageRow {
  return { method: 'GET', path: '/landed', page: (visit) => landed(parts, visit) };
}

async function landed({ sessions }: SignInParts, visit: Visit): Promise<PageAnswer> {
  const returnTo = returnTarget(oneField(visit.query, 'return')) ?? HOME;
  const live = await liveSessions(visit.request, sessions);
  if (live.length === 1) return goOn(visit, returnTo);
  return framed({
    title: live.length === 0 ? 'The sign-in did not stick' : 'Two sessions at once',
    host: visit.request.host,
    status: 400,
    body:
      live.length === 0
        ? html`<p>You were signed in, but your browser did not send the session cookie back. Without it, every page would ask you to sign in again.</p>
<ul><li>Allow cookies for <strong>${visit.request.host}</strong>.</li><li>Look whether an extension or a proxy removes them.</li></ul>
<p><a class="button" href="${signInPath(returnTo)}">Try again</a></p>`
        : html`<p>Your browser sent more than one session cookie, and nobody can tell which one is yours. Delete the cookies of <strong>${visit.request.host}</strong>, then sign in.</p>
<p><a class="button" href="${signInPath(returnTo)}">Sign in</a></p>`,
  });
}

/**
 * Not a redirect: browsers hold every redirect after a form against the form's `form-action`, and an application may well lead on to
 * another origin. A page that leads on begins anew.
 */
function goOn({ request }: Visit, returnTo: string): PageAnswer {
  return framed({
    title: 'You are signed in',
    host: request.host,
    headers: ['refresh', `0; url=${returnTo}`],
    body: html`<p><a class="button" href="${returnTo}">Go on</a></p>`,
  });
}
