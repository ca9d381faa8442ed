/**
 * Tells whether some object in a JSON text names a member twice. The text must be valid JSON.
 *
 * Security: two parsers may pick different members of the same name, so a token with such an object has no one
 * meaning (RFC 7515 §5.2, RFC 7519 §4). Member names are compared as decoded, so that `"\u0061lg"` is `"alg"`.
 */
export function hasDuplicateMember(json: string): boolean {
  /** Names seen in each object that is open; `undefined` for an array. */
  const open: (Set<unknown> | undefined)[] = [];
  let expectsName = false;
  for (let index = 0; index < json.length; index++) {
    switch (json[index]) {
      case '{':
        open.push(new Set());
        expectsName = true;
        break;
      case '[':
        open.push(undefined);
        expectsName = false;
        break;
      case '}':
      case ']':
        open.pop();
        break;
      case ',':
        expectsName = open.at(-1) !== undefined;
        break;
      case '"': {
        const end = stringEnd(json, index);
        if (expectsName) {
          const names = open.at(-1);
          const name: unknown = JSON.parse(json.slice(index, end));
          if (names?.has(name)) return true;
          names?.add(name);
          expectsName = false;
        }
        index = end - 1;
        break;
      }
    }
  }
  return false;
}

/** Gives the position after the closing quote of the string that opens at `start`. */
function stringEnd(json: string, start: number): number {
  let index = start + 1;
  while (index < json.length && json[index] !== '"') index += json[index] === '\\' ? 2 : 1;
  return index + 1;
}
