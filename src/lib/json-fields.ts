/** The fields of a stored JSON object, each checked as it is read, so that garbage never becomes a value. */
export class JsonFields {
  readonly #fields: Record<string, unknown>;
  readonly #fail: (why: string) => Error;

  /**
   * @param bytes - UTF-8 JSON of one object
   * @param fail - makes the error that is thrown for garbage; `why` names fields, never values
   */
  constructor(bytes: Uint8Array, fail: (why: string) => Error) {
    this.#fail = fail;
    const parsed = parse(bytes);
    if (!isObject(parsed)) throw fail('not a JSON object');
    this.#fields = parsed;
  }

  text(name: string): string {
    const value = this.#get(name);
    if (typeof value !== 'string') throw this.#fail(`${name} is not a text`);
    return value;
  }

  optionalText(name: string): string | undefined {
    return this.#get(name) === undefined ? undefined : this.text(name);
  }

  texts(name: string): readonly string[] {
    const value = this.#get(name);
    if (!Array.isArray(value) || !value.every((item) => typeof item === 'string')) {
      throw this.#fail(`${name} is not a list of texts`);
    }
    return value;
  }

  flag(name: string): boolean {
    const value = this.#get(name);
    if (typeof value !== 'boolean') throw this.#fail(`${name} is not true or false`);
    return value;
  }

  /** Gives a whole number from 0 to 2^53 - 1, as times and counts are. */
  count(name: string): number {
    const value = this.#get(name);
    if (typeof value !== 'number' || !Number.isSafeInteger(value) || value < 0) {
      throw this.#fail(`${name} is not a whole number`);
    }
    return value;
  }

  optionalCount(name: string): number | undefined {
    return this.#get(name) === undefined ? undefined : this.count(name);
  }

  /** Gives a list of objects, each to be read the same way. */
  objects(name: string): readonly JsonFields[] {
    const value = this.#get(name);
    if (!Array.isArray(value)) throw this.#fail(`${name} is not a list`);
    return value.map((item: unknown) => new JsonFields(Buffer.from(JSON.stringify(item)), this.#fail));
  }

  /** Tells whether there is a value of this name. */
  has(name: string): boolean {
    return this.#get(name) !== undefined;
  }

  /** Gives an object whose fields are to be read in their turn. */
  fields(name: string): JsonFields {
    return new JsonFields(Buffer.from(JSON.stringify(this.object(name))), this.#fail);
  }

  object(name: string): Readonly<Record<string, unknown>> {
    const value = this.#get(name);
    if (!isObject(value)) throw this.#fail(`${name} is not an object`);
    return value;
  }

  #get(name: string): unknown {
    return Object.hasOwn(this.#fields, name) ? this.#fields[name] : undefined;
  }
}

function parse(bytes: Uint8Array): unknown {
  try {
    return JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(bytes));
  } catch {
    return undefined;
  }
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
