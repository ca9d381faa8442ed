import { accessSync, constants, readFileSync, statSync } from 'node:fs';
import { resolve } from 'node:path';
import type { Static, TSchema } from 'typebox';
import { Secret } from '../lib/secret.ts';
import { checkShape, type Shape, type ShapeProblem } from './check-shape.ts';
import type { KeyPath } from './key-path.ts';

export interface FoundProblem extends ShapeProblem {
  readonly severity: 'error' | 'warning';
}

/** What a secret may be written as. */
export interface SecretReference {
  readonly env?: string;
  readonly file?: string;
}

const MAX_SECRET_BYTES = 65_536;

/** What the sections are resolved with: the folder, the environment, and the list that every problem goes to. */
export class ResolveContext {
  readonly problems: FoundProblem[] = [];
  /** Absolute paths of the files that the configuration names. */
  readonly files = new Set<string>();
  readonly #folder: string;
  readonly #env: Readonly<Record<string, string | undefined>>;

  /** @param folder - absolute; relative paths in the document start here */
  constructor(folder: string, env: Readonly<Record<string, string | undefined>>) {
    this.#folder = folder;
    this.#env = env;
  }

  /** Notes a problem that makes the configuration unusable. */
  error(path: KeyPath, message: string, hint?: string): undefined {
    this.problems.push({ path, at: 'value', message, hint, severity: 'error' });
  }

  /** Notes something that the operator should know. */
  warn(path: KeyPath, message: string, hint?: string): void {
    this.problems.push({ path, at: 'value', message, hint, severity: 'warning' });
  }

  /** Says whether a value has the shape of its schema, and notes every difference. */
  accepts<T extends TSchema>(schema: T, value: unknown, path: KeyPath): value is Static<T> {
    const found = checkShape(schema as Shape, value, path);
    this.problems.push(...found.map((problem) => ({ ...problem, severity: 'error' as const })));
    return found.length === 0;
  }

  /** Says whether a value has the shape of its schema; notes nothing. */
  isSound<T extends TSchema>(schema: T, value: unknown): value is Static<T> {
    return checkShape(schema as Shape, value, []).length === 0;
  }

  /** Gives the one key that is written of several that exclude each other; notes none and many as a problem. */
  only<K extends string>(
    input: Readonly<Partial<Record<K, unknown>>>,
    keys: readonly K[],
    path: KeyPath,
  ): K | undefined {
    const written = keys.filter((key) => input[key] !== undefined);
    if (written.length === 1) return written[0];
    const list = `${keys.slice(0, -1).join(', ')} or ${keys.at(-1)}`;
    if (written.length === 0) return this.error(path, `needs ${list}`);
    return this.error(path, `has ${written.join(' and ')}`, `only one of ${list} can hold`);
  }

  /** Gives an absolute path of something that need not exist yet. */
  absolute(written: string): string {
    return resolve(this.#folder, written);
  }

  /** Gives the absolute path of a file that must be there, and whose changes ask for a reload; notes it when it cannot be read. */
  existing(written: string, path: KeyPath): string {
    const file = this.readable(written, path);
    this.files.add(file);
    return file;
  }

  /** Gives the absolute path of a file that must be there; notes it when it cannot be read. */
  readable(written: string, path: KeyPath): string {
    const file = this.absolute(written);
    try {
      accessSync(file, constants.R_OK);
      if (!statSync(file).isFile()) this.error(path, `${JSON.stringify(written)} is not a file`);
    } catch (thrown) {
      this.error(path, `${JSON.stringify(written)} cannot be read: ${codeOf(thrown)}`, `looked for ${file}`);
    }
    return file;
  }

  /**
   * Gives the secret that a reference names; notes a missing, empty or too large one.
   *
   * Security: no part of the value reaches a problem.
   */
  secret(reference: SecretReference, path: KeyPath): Secret | undefined {
    const source = this.only(reference, ['env', 'file'], path);
    if (source === undefined) return undefined;
    const value =
      source === 'env'
        ? this.#fromEnv(reference.env ?? '', path)
        : this.#fromFile(reference.file ?? '', path);
    if (value === undefined) return undefined;
    if (value === '') return this.error([...path, source], 'gives an empty secret');
    return new Secret(value);
  }

  #fromEnv(name: string, path: KeyPath): string | undefined {
    const value = Object.hasOwn(this.#env, name) ? this.#env[name] : undefined;
    return (
      value ?? this.error([...path, 'env'], `the environment variable ${JSON.stringify(name)} is not set`)
    );
  }

  #fromFile(written: string, path: KeyPath): string | undefined {
    const before = this.problems.length;
    const file = this.existing(written, [...path, 'file']);
    if (this.problems.length > before) return undefined;
    try {
      const size = statSync(file).size;
      if (size > MAX_SECRET_BYTES)
        return this.error([...path, 'file'], `is larger than ${MAX_SECRET_BYTES} bytes`);
      return readFileSync(file, 'utf8').replace(/\r?\n$/, '');
    } catch (thrown) {
      return this.error([...path, 'file'], `${JSON.stringify(written)} cannot be read: ${codeOf(thrown)}`);
    }
  }
}

function codeOf(thrown: unknown): string {
  return thrown instanceof Error && 'code' in thrown ? String(thrown.code) : 'unknown reason';
}
