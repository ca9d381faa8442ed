import { closest } from '../closest.ts';
import type { Draft } from '../cross-checks.ts';
import type { ResolveContext } from '../resolve-context.ts';

/** Notes names that are used twice or not at all, and a gateway that has nothing to prove itself with. */
export function checkCertificates(draft: Draft, context: ResolveContext): void {
  const names = new Set<string>();
  for (const { path, value } of draft.certificates) {
    if (names.has(value.name)) {
      context.error(
        [...path, 'name'],
        `there is already a certificate ${JSON.stringify(value.name)}`,
        'give it a name of its own',
      );
    }
    names.add(value.name);
    if (
      value.source.kind === 'acme' &&
      value.source.challenge === 'http-01' &&
      draft.listen?.http.length === 0
    ) {
      context.warn(
        [...path, 'acme'],
        'http-01 is answered by listen.http, which is not written',
        'write listen.http, or choose tls-alpn-01',
      );
    }
  }
  const written = draft.input.certificates;
  const complete = !Array.isArray(written) || written.length === draft.certificates.length;
  if (!complete) return;
  for (const key of ['defaultCertificate', 'adminCertificate'] as const) {
    const name = draft.listen?.[key];
    if (name === undefined || names.has(name)) continue;
    const meant = closest(name, names);
    context.error(
      ['listen', key],
      `there is no certificate ${JSON.stringify(name)}`,
      meant === undefined ? undefined : `did you mean ${meant}?`,
    );
  }
  if (names.size === 0) {
    context.warn(
      ['certificates'],
      'there is no certificate: every TLS handshake is refused',
      'add one under certificates',
    );
  }
}
