import type { Answered, CanonicalRequest } from '../exchange.ts';
import type { ByteSource } from '../lib/byte-source.ts';
import type { JsonFields } from '../lib/json-fields.ts';
import { ownForm, sessionOf } from './account-visit.ts';
import { browserSecret, sealForm } from './form-token.ts';
import { html } from './html.ts';
import { RESERVED_PATH } from './internal-routes.ts';
import { KEPT_FORM } from './kept-forms.ts';
import { oneField, type PageAnswer, type PageRow, seeOther, type Visit } from './page.ts';
import { framed } from './page-frame.ts';
import type { SignInParts } from './parts.ts';
import { tokenField } from './session-list.ts';

const PATH = `${RESERVED_PATH}/resume`;

/** Gives the pages that send a form which was kept over a sign-in, after its owner said so. */
export function resumePages(parts: SignInParts): readonly PageRow[] {
  return [
    { method: 'GET', path: '/resume', page: (visit) => ask(parts, visit) },
    { method: 'POST', path: '/resume', page: (visit) => send(parts, visit) },
  ];
}

async function ask(parts: SignInParts, visit: Visit): Promise<PageAnswer> {
  const session = await sessionOf(parts, visit);
  const id = oneField(visit.query, 'form') ?? '';
  const kept = await parts.oneTime.look(KEPT_FORM, id, browserSecret(visit.request));
  if (kept === undefined || !isOfHost(kept, visit)) return gone(visit);
  const { token, headers } = sealForm(visit, session.id);
  const path = kept.text('path');
  return framed({
    title: 'Send what you entered?',
    host: visit.request.host,
    leadsAnywhere: true,
    headers,
    body: html`<p>Your session had ended when you sent a form. What you entered was kept and has <strong>not</strong> been sent yet.</p>
<dl><dt>To</dt><dd><code>https://${kept.text('authority')}${path}${kept.text('query')}</code></dd><dt>As</dt><dd>${session.user}</dd><dt>Size</dt><dd>${sizeWords(kept)}</dd></dl>
<form method="post" action="${PATH}">${tokenField(token)}<input type="hidden" name="form" value="${id}">
<div class="row"><button type="submit">Send it</button><button class="plain" type="submit" name="discard" value="1">Discard it</button></div></form>`,
  });
}

/**
 * Security: sent at most once, by a form of this browser and session, to the host and place that it was made for, and through the
 * whole corridor, which decides anew who may.
 */
async function send(parts: SignInParts, visit: Visit): Promise<PageAnswer | Answered> {
  await ownForm(parts, visit);
  const id = oneField(visit.form, 'form');
  const browser = browserSecret(visit.request);
  const seen = await parts.oneTime.look(KEPT_FORM, id, browser);
  if (seen === undefined || !isOfHost(seen, visit)) return gone(visit);
  const kept = await parts.oneTime.take(KEPT_FORM, id, browser);
  if (kept === undefined) return gone(visit);
  if (oneField(visit.form, 'discard') === '1') return seeOther(kept.text('path'));
  const bytes = Buffer.from(kept.text('body'), 'base64');
  const { arrived } = visit.admitted;
  return parts.walk({
    ...arrived,
    request: requestOf(visit.request, kept, bytes.length),
    body: sourceOf(bytes),
  });
}

/** The request as the person's browser made it; what described the form of this page describes the kept one now. */
function requestOf(request: CanonicalRequest, kept: JsonFields, length: number): CanonicalRequest {
  const path = kept.text('path');
  const query = kept.text('query');
  const headers: string[] = [];
  for (let i = 0; i < request.headers.length; i += 2) {
    const name = request.headers[i] ?? '';
    const value = request.headers[i + 1] ?? '';
    if (name === 'referer') headers.push(name, `https://${request.authority}${path}${query}`);
    else if (name !== 'content-type') headers.push(name, value);
  }
  headers.push('content-type', kept.text('type'));
  return { ...request, method: 'POST', path, query, headers, contentLength: length };
}

function sourceOf(bytes: Buffer): ByteSource {
  let isOver = false;
  return {
    start(sink) {
      if (isOver) return;
      sink.write(bytes);
      if (!isOver) sink.end([]);
    },
    resume() {},
    cancel() {
      isOver = true;
    },
  };
}

function isOfHost(kept: JsonFields, { request }: Visit): boolean {
  return kept.text('authority') === request.authority;
}

function gone(visit: Visit): PageAnswer {
  return framed({
    title: 'Nothing is kept',
    host: visit.request.host,
    status: 404,
    body: html`<p>What you entered was sent already, was discarded, or was kept too long ago. Go back to the form and send it again.</p>`,
  });
}

function sizeWords(kept: JsonFields): string {
  const bytes = Buffer.from(kept.text('body'), 'base64').length;
  return bytes < 1024 ? `${bytes} bytes` : `${Math.ceil(bytes / 1024)} KiB`;
}
