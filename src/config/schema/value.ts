import { Type } from 'typebox';
import { BYTE_SIZE_PATTERN, parseByteSize } from '../../lib/byte-size.ts';
import { DURATION_PATTERN, MAX_TIMER_MS, parseDuration } from '../../lib/duration.ts';

/** What the documentation says about a key. */
export interface About {
  /** Meaning, one sentence. */
  readonly description: string;
  /** As it would be written in the file. */
  readonly default?: unknown;
  readonly examples?: readonly unknown[];
}

/** Longest duration of what is compared with the clock and not waited for, milliseconds: 400 days. */
const LONGEST_MS = 400 * 86_400_000;

const nonZero = (pattern: string): string => pattern.replace('(?:0|[1-9]', '(?:[1-9]');

/** Gives the schema of a duration of at least 1 ms. `long`: may be longer than a timer can wait. */
export function duration(about: About & { readonly long?: boolean }) {
  const { long, ...rest } = about;
  const maximumMs = long === true ? LONGEST_MS : MAX_TIMER_MS;
  return Type.String({ ...rest, pattern: nonZero(DURATION_PATTERN), quantity: 'duration', maximumMs });
}

/** Gives the schema of a duration that `0` switches off. `long`: may be longer than a timer can wait. */
export function durationOrOff(about: About & { readonly long?: boolean }) {
  const { long, ...rest } = about;
  const maximumMs = long === true ? LONGEST_MS : MAX_TIMER_MS;
  const written = Type.String({ pattern: DURATION_PATTERN });
  return Type.Union([written, Type.Literal(0)], { ...rest, quantity: 'duration', maximumMs });
}

/** Gives the schema of a size in bytes that `0` switches off. */
export function sizeOrOff(about: About) {
  const written = Type.String({ pattern: BYTE_SIZE_PATTERN });
  return Type.Union([written, Type.Literal(0)], { ...about, quantity: 'size' });
}

/** Gives the schema of a number of things; `least` 0 where that switches it off. */
export function count(about: About & { readonly least: number }) {
  const { least, ...rest } = about;
  return Type.Integer({ ...rest, minimum: least, maximum: 1_000_000_000 });
}

/** Gives the schema of a text of 1 to 4096 characters. */
export function text(about: About & { readonly pattern?: string; readonly patternHint?: string }) {
  return Type.String({ ...about, minLength: 1, maxLength: 4096 });
}

/** Gives the schema of a list with at least one text. */
export function textList(about: About) {
  return Type.Array(Type.String({ minLength: 1, maxLength: 4096 }), { ...about, minItems: 1 });
}

/** Gives the schema of a list of texts that may be empty. */
export function anyTextList(about: About) {
  return Type.Array(Type.String({ minLength: 1, maxLength: 4096 }), { ...about });
}

/** Gives the schema of one text or a list of them. */
export function oneOrMany(about: About) {
  const one = Type.String({ minLength: 1, maxLength: 4096 });
  return Type.Union([one, Type.Array(one, { minItems: 1 })], { ...about });
}

/** Gives the schema of a secret that lies in the environment or in a file; `secret` hides every value below it. */
export function secretReference(about: About) {
  return Type.Object(
    {
      env: Type.Optional(text({ description: 'Name of the environment variable that holds it.' })),
      file: Type.Optional(text({ description: 'File that holds it; one line end at its end is dropped.' })),
    },
    { ...about, additionalProperties: false, minProperties: 1, maxProperties: 1, secret: true },
  );
}

/** Gives a checked duration in milliseconds. */
export function milliseconds(written: string | 0): number {
  return written === 0 ? 0 : (parseDuration(written) ?? Number.NaN);
}

/** Gives a checked size in bytes. */
export function bytes(written: string | 0): number {
  return written === 0 ? 0 : (parseByteSize(written) ?? Number.NaN);
}

/** Gives one or many as many. */
export function many(written: string | readonly string[]): readonly string[] {
  return typeof written === 'string' ? [written] : written;
}
