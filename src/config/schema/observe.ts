import { Type } from 'typebox';
import { isMapping } from '../check-shape.ts';
import type { ObserveConfig } from '../config.ts';
import type { ResolveContext } from '../resolve-context.ts';
import { resolveWebhook, WebhookSchema } from './webhook.ts';

const DEFAULTS = { accessLog: true, level: 'info' } as const;

/** Section `observe`: what the gateway says about its work. */
export const ObserveSchema = Type.Object(
  {
    accessLog: Type.Optional(
      Type.Boolean({ description: 'Writes one line per request.', default: DEFAULTS.accessLog }),
    ),
    level: Type.Optional(
      Type.Enum(['debug', 'info', 'warn', 'error', 'silent'], {
        description: 'Least weight of what is logged.',
        default: DEFAULTS.level,
      }),
    ),
    webhook: Type.Optional(WebhookSchema),
  },
  { description: 'What the gateway says about its work.', additionalProperties: false },
);

/** Gives the section resolved, or `undefined` when its shape is wrong; problems go to the context. */
export function resolveObserve(input: unknown, context: ResolveContext): ObserveConfig | undefined {
  const sound = context.accepts(ObserveSchema, input, ['observe']);
  const written = isMapping(input) ? input.webhook : undefined;
  const webhook = context.isSound(WebhookSchema, written)
    ? resolveWebhook(written, ['observe', 'webhook'], context)
    : undefined;
  return sound ? { ...DEFAULTS, ...input, webhook } : undefined;
}
