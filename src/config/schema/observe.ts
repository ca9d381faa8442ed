import { Type } from 'typebox';
import type { ObserveConfig } from '../config.ts';
import type { ResolveContext } from '../resolve-context.ts';

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
  },
  { description: 'What the gateway says about its work.', additionalProperties: false },
);

/** Gives the section resolved, or `undefined` when its shape is wrong; problems go to the context. */
export function resolveObserve(input: unknown, context: ResolveContext): ObserveConfig | undefined {
  return context.accepts(ObserveSchema, input, ['observe']) ? { ...DEFAULTS, ...input } : undefined;
}
