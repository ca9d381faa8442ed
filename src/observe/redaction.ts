/** Names of fields whose values never reach a log, in any spelling of their case, at any depth. The one list of the house. */
const SECRET_FIELDS: readonly string[] = [
  'authorization',
  'proxy-authorization',
  'cookie',
  'set-cookie',
  'x-api-key',
  'x-sallyport-assertion',
  'password',
  'passphrase',
  'secret',
  'clientSecret',
  'client_secret',
  'token',
  'access_token',
  'refresh_token',
  'id_token',
  'adminToken',
  'key',
  'privateKey',
  'pkcs12',
  'args',
];

/** Objects nested deeper than this are not written at all. */
const MOST_DEPTH = 5;
const CENSORED = '[secret]';

/**
 * Gives a function that copies log fields with the values of secret ones replaced.
 *
 * Own code, because pino's wildcard paths cost a hundred times as much and see only fixed depths and one spelling.
 * Security: of an error only name, message, code, stack and cause are kept: libraries hang arguments and contents on theirs.
 */
export function makeRedaction(): (fields: object) => Record<string, unknown> {
  const secret = new Set(SECRET_FIELDS.map((field) => field.toLowerCase()));

  const copy = (value: unknown, depth: number): unknown => {
    if (typeof value !== 'object' || value === null) return value;
    if (depth === 0) return '[deep]';
    if (value instanceof Error) return plainError(value, depth);
    if ('toJSON' in value) return value;
    if (Array.isArray(value)) return value.map((item) => copy(item, depth - 1));
    return fieldsOf(value, depth);
  };
  const fieldsOf = (value: object, depth: number): Record<string, unknown> => {
    const result: Record<string, unknown> = {};
    for (const [name, item] of Object.entries(value)) {
      result[name] = secret.has(name.toLowerCase()) ? CENSORED : copy(item, depth - 1);
    }
    return result;
  };
  const plainError = (error: Error, depth: number): object => {
    const code = 'code' in error && typeof error.code === 'string' ? error.code : undefined;
    const cause = error.cause instanceof Error ? copy(error.cause, depth - 1) : undefined;
    return { name: error.name, message: error.message, code, stack: error.stack, cause };
  };

  return (fields) => fieldsOf(fields, MOST_DEPTH);
}
