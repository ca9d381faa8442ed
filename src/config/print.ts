import { Secret } from '../lib/secret.ts';
import type { Config } from './config.ts';

/** A value of JSON. */
export type Json = string | number | boolean | null | readonly Json[] | { readonly [key: string]: Json };

/**
 * Gives a configuration as plain JSON; maps become mappings, what is not set is left out.
 *
 * Security: every secret is `[secret]`, the URL of the state included; it may hold a password.
 */
export function printConfig(config: Config): Json {
  return plain(config);
}

function plain(value: unknown): Json {
  if (value instanceof Secret) return '[secret]';
  if (Array.isArray(value)) return value.map(plain);
  if (value instanceof Map) return mapping([...value.entries()]);
  if (typeof value === 'object' && value !== null) return mapping(Object.entries(value));
  if (typeof value === 'string' || typeof value === 'number' || typeof value === 'boolean') return value;
  return null;
}

function mapping(entries: readonly (readonly [unknown, unknown])[]): Json {
  const set = entries.filter(([, inner]) => inner !== undefined);
  return Object.fromEntries(set.map(([key, inner]) => [String(key), plain(inner)]));
}
