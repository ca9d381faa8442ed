import type { Endpoint, ListenConfig } from '../config.ts';
import { isLocal } from '../endpoint.ts';
import type { KeyPath } from '../key-path.ts';
import type { ResolveContext } from '../resolve-context.ts';

/** Notes addresses that are used twice, an admin API that others can reach, and trust in everybody. */
export function checkListen(listen: ListenConfig, context: ResolveContext): void {
  checkTwice(listen, context);
  if (!isLocal(listen.admin)) {
    context.warn(
      ['listen', 'admin'],
      'other machines can reach the admin API',
      'bind it to 127.0.0.1 or unix:/path',
    );
  }
  for (const [i, range] of listen.trustedProxies.entries()) {
    if (!range.endsWith('/0')) continue;
    // Security: whoever is trusted chooses the address that limits, policies and logs see.
    const path: KeyPath = ['listen', 'trustedProxies', i];
    context.error(path, `${range} trusts everybody`, 'name the addresses of your proxies');
  }
}

function checkTwice(listen: ListenConfig, context: ResolveContext): void {
  const seen = new Map<string, string>();
  const places: [string, Endpoint][] = [
    ...listen.https.map((endpoint): [string, Endpoint] => ['https', endpoint]),
    ...listen.http.map((endpoint): [string, Endpoint] => ['http', endpoint]),
    ['admin', listen.admin],
  ];
  for (const [key, endpoint] of places) {
    if (endpoint.kind === 'tcp' && endpoint.port === 0) continue;
    const address = endpoint.kind === 'tcp' ? `${endpoint.host}:${endpoint.port}` : endpoint.path;
    const other = seen.get(address);
    if (other !== undefined) context.error(['listen', key], `${address} is already used by ${other}`);
    seen.set(address, key);
  }
}
