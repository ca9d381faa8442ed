import type { HeaderList } from '../exchange.ts';
import { STYLE_PATH } from '../lib/page-style.ts';
import { type Html, html } from './html.ts';
import { RESERVED_PATH } from './internal-routes.ts';
import type { PageAnswer } from './page.ts';

export interface Frame {
  /** Heading of the page and title of the tab. */
  readonly title: string;
  readonly body: Html;
  /** `wide` for lists, `narrow` for a single form. */
  readonly width?: 'narrow' | 'wide';
  /** Host that the page speaks for. */
  readonly host: string;
  /** Whether a form of the page gets an application's answer, which may lead on to any origin. */
  readonly leadsAnywhere?: boolean;
  /** Path of a page script of ours. */
  readonly script?: string;
  readonly status?: number;
  /** Flat, names lower-case. */
  readonly headers?: HeaderList;
}

/**
 * Gives a page of the gateway.
 *
 * Security: nothing inline, nothing from elsewhere, no frame around it. The referrer goes to this origin only; with none at
 * all browsers would hide the `Origin` of our own forms.
 */
export function framed(frame: Frame): PageAnswer {
  const { status = 200, headers = [] } = frame;
  const policy = [
    "default-src 'none'",
    "style-src 'self'",
    "img-src 'self'",
    ...(frame.script === undefined ? [] : ["script-src 'self'", "connect-src 'self'"]),
    ...(frame.leadsAnywhere === true ? [] : ["form-action 'self'"]),
    "frame-ancestors 'none'",
    "base-uri 'none'",
  ];
  return {
    status,
    headers: [
      ...headers,
      'content-security-policy',
      policy.join('; '),
      'referrer-policy',
      'same-origin',
      'cross-origin-opener-policy',
      'same-origin',
    ],
    type: 'text/html; charset=utf-8',
    body: documentOf(frame).text,
  };
}

function documentOf({ title, body, host, script, width = 'narrow' }: Frame): Html {
  return html`<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<meta name="robots" content="noindex">
<title>${title} · ${host}</title>
<link rel="icon" href="${RESERVED_PATH}/mark.svg" type="image/svg+xml">
<link rel="stylesheet" href="${STYLE_PATH}">
${script !== undefined && html`<script type="module" src="${script}"></script>`}
</head>
<body>
<a class="skip" href="#main">Skip to the content</a>
<header><img src="${RESERVED_PATH}/mark.svg" alt="" width="28" height="28"><p>${host}</p></header>
<main id="main" class="${width}" tabindex="-1">
<h1>${title}</h1>
${body}
</main>
</body>
</html>
`;
}
