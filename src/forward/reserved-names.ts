import { BoundedMap } from '../lib/bounded-map.ts';

/** Fields that end at each hop (RFC 9110 §7.6.1), and those that the gateway writes itself. */
const OURS = new Set([
  'connection',
  'proxy-connection',
  'keep-alive',
  'te',
  'transfer-encoding',
  'upgrade',
  'expect',
  'http2-settings',
  'proxy-authorization',
  'proxy-authenticate',
  'host',
  'content-length',
  'forwarded',
  'x-forwarded',
  'x-host',
  'x-request-id',
  'x-real-ip',
  'x-client-ip',
  'x-cluster-client-ip',
  'true-client-ip',
  'x-http-method',
  'x-http-method-override',
  'x-method-override',
]);

/** Families by which proxies of all makes tell upstreams who the client is; a client has no say in them. */
const FAMILIES = [
  'x-forwarded-',
  'x-forward-',
  'x-original-',
  'x-rewrite-',
  'x-envoy-',
  'x-middleware-',
  'x-sallyport-',
  'cf-',
  'remote-',
  'x-remote-',
  'x-webauth-',
  'x-auth-request-',
  'x-authentik-',
  'x-pomerium-',
  'x-goog-authenticated-user-',
  'x-goog-iap-',
  'x-amzn-oidc-',
  'x-ms-client-principal',
  'x-client-cert',
  'client-cert',
  'x-ssl-client-',
  'ssl-client-',
  'sec-websocket-',
];

/**
 * Gives a test for fields that never travel on from a client, whatever `Connection` says, remembering its answers.
 *
 * @returns a function from lower-case name to whether the gateway drops or rewrites the field
 *
 * Security: names with `_`, `.` or other marks that upstreams fold into `-` were refused when the request arrived.
 */
export function reservedNames(): (name: string) => boolean {
  const seen = new BoundedMap<string, boolean>(2048);
  return (name) => {
    const known = seen.get(name);
    if (known !== undefined) return known;
    const reserved = OURS.has(name) || FAMILIES.some((family) => name.startsWith(family));
    seen.set(name, reserved);
    return reserved;
  };
}
