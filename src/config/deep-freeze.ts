/** Gives the same value with every object, list and map value below it frozen. */
export function deepFreeze<T>(value: T): T {
  if (typeof value !== 'object' || value === null || Object.isFrozen(value)) return value;
  Object.freeze(value);
  const inner = value instanceof Map ? value.values() : Object.values(value);
  for (const item of inner) deepFreeze(item);
  return value;
}
