import type { TokenIssuerConfig } from '../config.ts';
import type { Placed } from '../key-path.ts';
import type { ResolveContext } from '../resolve-context.ts';

/** Notes an issuer that stands twice: which of its keys and audiences holds would depend on the order. */
export function checkTokenIssuers(
  issuers: readonly Placed<TokenIssuerConfig>[],
  context: ResolveContext,
): void {
  const seen = new Set<string>();
  for (const { path, value } of issuers) {
    if (seen.has(value.issuer)) {
      context.error(
        [...path, 'issuer'],
        `${JSON.stringify(value.issuer)} is configured twice`,
        'list both audiences in one entry',
      );
    }
    seen.add(value.issuer);
  }
}
