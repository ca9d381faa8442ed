import { createHash } from 'node:crypto';
import type { PageRow } from './page.ts';
import { PASSKEY_SCRIPT } from './passkey-script.ts';
import { MARK, STYLE_SHEET } from './style-sheet.ts';

/** Gives the files that pages are made of: style sheet, mark, passkey script. Caches ask again with the entity tag (RFC 9110 §8.8.3). */
export function assetPages(): readonly PageRow[] {
  return [
    asset('/style.css', 'text/css; charset=utf-8', STYLE_SHEET),
    asset('/mark.svg', 'image/svg+xml', MARK),
    asset('/passkey.js', 'text/javascript; charset=utf-8', PASSKEY_SCRIPT),
  ];
}

function asset(path: string, type: string, body: string): PageRow {
  const tag = `"${createHash('sha256').update(body).digest('base64url').slice(0, 22)}"`;
  const headers = [
    'cache-control',
    'public, max-age=300',
    'etag',
    tag,
    'cross-origin-resource-policy',
    'same-origin',
  ];
  return {
    method: 'GET',
    path,
    page({ header }) {
      const asked = header('if-none-match') ?? '';
      const known = asked.split(',').some((one) => one.trim().replace(/^W\//, '') === tag);
      return known ? { status: 304, headers, type, body: '' } : { status: 200, headers, type, body };
    },
  };
}
