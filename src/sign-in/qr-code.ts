import { type Html, html } from './html.ts';
import { qrMatrix } from './qr-matrix.ts';

/** Light modules around the code (ISO/IEC 18004:2015 §6.3.8). */
const QUIET = 4;

/** Gives a text as a QR code, black on white whatever the page's colours; nothing when it is too long for one. */
export function qrCode(text: string, label: string): Html | undefined {
  const rows = qrMatrix(text);
  if (rows === undefined) return undefined;
  const size = rows.length + 2 * QUIET;
  const path = rows
    .flatMap((row, y) => row.map((isDark, x) => (isDark ? `M${x + QUIET} ${y + QUIET}h1v1h-1z` : '')))
    .join('');
  return html`<svg class="qr" role="img" aria-label="${label}" viewBox="0 0 ${size} ${size}" shape-rendering="crispEdges"><rect width="${size}" height="${size}" fill="#fff"/><path d="${path}" fill="#000"/></svg>`;
}
