import { type Static, Type } from 'typebox';
import { Secret } from '../../lib/secret.ts';
import type { WebhookConfig } from '../config.ts';
import { isLoopback } from '../endpoint.ts';
import type { KeyPath } from '../key-path.ts';
import type { ResolveContext } from '../resolve-context.ts';
import { duration, milliseconds, secretReference, text } from './value.ts';

const DEFAULTS = { expiry: ['30d', '14d', '7d', '3d', '1d'] } as const;
/** A shorter one is found by trying, from one notice that somebody saw. */
const LEAST_SECRET_BYTES = 16;

/** Where notices about certificates are sent. */
export const WebhookSchema = Type.Object(
  {
    url: Type.Union(
      [
        text({ description: 'The URL itself.' }),
        secretReference({ description: 'Where the URL is found, when it holds a token.' }),
      ],
      {
        description:
          'Receiver of the notices, one JSON POST each; https, or http on loopback. It is never shown, as it often holds a token.',
        examples: ['https://hooks.example.com/certificates'],
        secret: true,
      },
    ),
    secret: Type.Optional(
      secretReference({
        description:
          'Key of the HMAC-SHA256 in `X-Sallyport-Signature`, at least 16 bytes; without it nothing is signed.',
      }),
    ),
    trust: Type.Optional(
      text({ description: 'PEM file of the CAs that replace the system’s for a private receiver.' }),
    ),
    expiry: Type.Optional(
      Type.Array(duration({ description: 'Time before the end.', long: true }), {
        description:
          'How long before its end a certificate is told of. Of one that renews itself (`dev`, `acme`) only what is shorter than a tenth of its life counts.',
        minItems: 1,
        default: DEFAULTS.expiry,
      }),
    ),
  },
  {
    description: 'Tells of certificates that end soon, have ended, or cannot be ordered.',
    additionalProperties: false,
  },
);

/** Gives the webhook resolved, or `undefined` when it cannot be used; problems go to the context. */
export function resolveWebhook(
  input: Static<typeof WebhookSchema>,
  path: KeyPath,
  context: ResolveContext,
): WebhookConfig | undefined {
  const raw =
    typeof input.url === 'string' ? input.url : context.secret(input.url, [...path, 'url'])?.reveal();
  const url = raw === undefined ? undefined : receiver(raw, [...path, 'url'], context);
  const secret =
    input.secret === undefined ? undefined : signingKey(input.secret, [...path, 'secret'], context);
  const trust = input.trust === undefined ? undefined : context.existing(input.trust, [...path, 'trust']);
  if (trust !== undefined && url?.protocol === 'http:')
    context.error([...path, 'trust'], 'has no effect', 'only https shows a certificate');
  const expiryMs = thresholds(input.expiry ?? DEFAULTS.expiry, [...path, 'expiry'], context);
  if (url === undefined) return undefined;
  return { url: new Secret(url.href), secret, trust, expiryMs };
}

/** Security: the URL is not repeated, and one that travels over http can be read on the way. */
function receiver(written: string, path: KeyPath, context: ResolveContext): URL | undefined {
  const url = URL.parse(written);
  if (url === null || !/^https?:$/.test(url.protocol)) return context.error(path, 'is not an https URL');
  if (url.username !== '' || url.password !== '')
    return context.error(
      path,
      'must not hold a user or password',
      'a signature proves who sends: set secret',
    );
  if (written.includes('#')) return context.error(path, 'must not hold a fragment');
  if (url.protocol === 'http:' && !isLoopback(url.hostname.replace(/[[\]]/g, '')))
    return context.error(path, 'what is sent over http can be read and changed on the way', 'write https');
  return url;
}

function signingKey(
  reference: Static<ReturnType<typeof secretReference>>,
  path: KeyPath,
  context: ResolveContext,
): Secret | undefined {
  const key = context.secret(reference, path);
  if (key !== undefined && Buffer.byteLength(key.reveal()) < LEAST_SECRET_BYTES)
    return context.error(
      path,
      `is too short: at least ${LEAST_SECRET_BYTES} bytes are needed`,
      'openssl rand -base64 32',
    );
  return key;
}

/** @returns milliseconds, the longest first */
function thresholds(written: readonly string[], path: KeyPath, context: ResolveContext): readonly number[] {
  const known = new Set<number>();
  for (const [i, text] of written.entries()) {
    const ms = milliseconds(text);
    if (known.has(ms)) context.error([...path, i], `${JSON.stringify(text)} is there already`);
    known.add(ms);
  }
  return [...known].sort((a, b) => b - a);
}
