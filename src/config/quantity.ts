import { parseByteSize } from '../lib/byte-size.ts';
import { parseDuration } from '../lib/duration.ts';
import type { Shape } from './check-shape.ts';

export interface QuantityFault {
  readonly message: string;
  readonly hint: string | undefined;
}

/** Gives what is wrong with a written duration or size, or `undefined` when it is accepted. */
export function checkQuantity(shape: Shape, value: unknown): QuantityFault | undefined {
  const duration = shape.quantity === 'duration';
  const zeroAllowed = shape.anyOf?.some((option) => option.const === 0) === true;
  if (value === 0 && zeroAllowed) return undefined;
  const example = duration ? '30s, 5m or 12h' : '512B, 32KiB or 100MiB';
  const expected = `a ${duration ? 'duration' : 'size'} such as ${example}`;
  const parsed =
    typeof value === 'string' ? (duration ? parseDuration(value) : parseByteSize(value)) : undefined;
  if (parsed === undefined) {
    return { message: `must be ${expected}, not ${shown(value)}`, hint: suggestion(value, duration) };
  }
  if (parsed === 0 && !zeroAllowed) return { message: 'must be more than 0', hint: undefined };
  if (shape.maximumMs !== undefined && parsed > shape.maximumMs) {
    return { message: `must be at most ${Math.floor(shape.maximumMs / 86_400_000)}d`, hint: undefined };
  }
  return undefined;
}

const UNITS: Readonly<Record<string, string>> = {
  sec: 's',
  second: 's',
  seconds: 's',
  min: 'm',
  minute: 'm',
  minutes: 'm',
  hour: 'h',
  hours: 'h',
  day: 'd',
  days: 'd',
  k: 'KiB',
  kb: 'KiB',
  kib: 'KiB',
  m: 'MiB',
  mb: 'MiB',
  mib: 'MiB',
  g: 'GiB',
  gb: 'GiB',
  gib: 'GiB',
  b: 'B',
  byte: 'B',
  bytes: 'B',
};

function suggestion(value: unknown, duration: boolean): string | undefined {
  const match = /^(\d{1,6})\s*([a-z]*)$/i.exec(
    typeof value === 'number' || typeof value === 'string' ? String(value) : '',
  );
  if (match === null) return undefined;
  const [, number = '', unit = ''] = match;
  if (unit === '') return `write the unit: ${number}${duration ? 's' : 'B'}`;
  const lower = unit.toLowerCase();
  const written = duration && /^(?:ms|s|m|h|d)$/.test(lower) ? lower : UNITS[lower];
  const fits =
    written !== undefined && (duration ? parseDuration : parseByteSize)(`${number}${written}`) !== undefined;
  return fits ? `write ${number}${written}` : undefined;
}

function shown(value: unknown): string {
  if (typeof value === 'string' || typeof value === 'number' || typeof value === 'boolean') {
    return JSON.stringify(value).slice(0, 80);
  }
  return Array.isArray(value) ? 'a list' : 'a mapping';
}
