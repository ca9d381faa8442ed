import { type Static, Type } from 'typebox';
import type { AllowPolicy, RouteConfig } from '../config.ts';
import type { KeyPath } from '../key-path.ts';
import type { ResolveContext } from '../resolve-context.ts';
import { checkRange } from './listen.ts';
import { many, oneOrMany, textList } from './value.ts';

const PolicySchema = Type.Object(
  {
    users: Type.Optional(textList({ description: 'User names.', examples: [['ada']] })),
    groups: Type.Optional(
      textList({ description: 'Groups, of which the user has one.', examples: [['ops']] }),
    ),
    emails: Type.Optional(textList({ description: 'Email addresses, in any case.' })),
    claims: Type.Optional(
      Type.Record(Type.String({ pattern: '^.{1,256}$' }), oneOrMany({ description: 'Accepted values.' }), {
        description: 'Claim path and the values of which the token has one.',
        additionalProperties: false,
        minProperties: 1,
        patternHint: 'a dotted claim path, up to 256 characters',
        examples: [{ department: ['physics'] }],
      }),
    ),
    methods: Type.Optional(textList({ description: 'HTTP methods.', examples: [['GET', 'HEAD']] })),
    addresses: Type.Optional(
      textList({ description: 'Address ranges of the client.', examples: [['10.0.0.0/8']] }),
    ),
  },
  { additionalProperties: false, minProperties: 1 },
);

/** Who may use a route: `authenticated`, or any-of inside a key and all-of across keys. */
export const AllowSchema = Type.Union([Type.Enum(['authenticated'], { type: 'string' }), PolicySchema], {
  description:
    'Who may: `authenticated`, or a mapping; any value of a key will do, and every key must. Without it nobody may.',
  examples: ['authenticated'],
});

/** Gives the policy with emails in lower case; problems go to the context. */
export function resolveAllow(
  input: Static<typeof AllowSchema>,
  path: KeyPath,
  context: ResolveContext,
): RouteConfig['allow'] {
  if (input === 'authenticated') return input;
  for (const [i, range] of (input.addresses ?? []).entries())
    checkRange(range, [...path, 'addresses', i], context);
  for (const [i, method] of (input.methods ?? []).entries()) {
    if (/^[A-Z][A-Z-]*$/.test(method)) continue;
    context.error(
      [...path, 'methods', i],
      `is not an HTTP method: ${JSON.stringify(method)}`,
      `write ${method.toUpperCase()}`,
    );
  }
  const { emails, claims, ...rest } = input;
  const policy: AllowPolicy = {
    ...rest,
    ...(emails === undefined ? {} : { emails: emails.map((email) => email.toLowerCase()) }),
    ...(claims === undefined ? {} : { claims: resolveClaims(claims) }),
  };
  return policy;
}

function resolveClaims(
  claims: Readonly<Record<string, string | readonly string[]>>,
): Record<string, readonly string[]> {
  return Object.fromEntries(Object.entries(claims).map(([claim, values]) => [claim, many(values)]));
}
