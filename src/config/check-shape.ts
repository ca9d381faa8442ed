import { closest } from './closest.ts';
import type { KeyPath } from './key-path.ts';
import { checkQuantity } from './quantity.ts';

/** The part of JSON Schema (2020-12) that the section schemas use, and their own keywords. */
export interface Shape {
  readonly type?: 'string' | 'number' | 'integer' | 'boolean' | 'array' | 'object';
  readonly description?: string;
  readonly default?: unknown;
  readonly examples?: readonly unknown[];
  readonly properties?: Readonly<Record<string, Shape>>;
  readonly required?: readonly string[];
  readonly patternProperties?: Readonly<Record<string, Shape>>;
  readonly minProperties?: number;
  readonly maxProperties?: number;
  readonly items?: Shape;
  readonly minItems?: number;
  readonly anyOf?: readonly Shape[];
  readonly enum?: readonly unknown[];
  readonly const?: unknown;
  readonly pattern?: string;
  readonly minimum?: number;
  readonly maximum?: number;
  readonly minLength?: number;
  readonly maxLength?: number;
  /** Hint for a text that does not match `pattern`, or for a key that does not match `patternProperties`. */
  readonly patternHint?: string;
  readonly quantity?: 'duration' | 'size';
  readonly maximumMs?: number;
  /** Words that a later version will know -> what they are. */
  readonly later?: Readonly<Record<string, string>>;
  /** Nothing that is written below may be shown. */
  readonly secret?: boolean;
}

export interface ShapeProblem {
  readonly path: KeyPath;
  readonly at: 'key' | 'value';
  readonly message: string;
  readonly hint: string | undefined;
}

/** Gives every difference between a value of a document and its schema, in the order of the schema. */
export function checkShape(shape: Shape, value: unknown, path: KeyPath): ShapeProblem[] {
  const problem = (message: string, hint?: string): ShapeProblem[] => [{ path, at: 'value', message, hint }];
  if (value === null) return problem('has no value', 'write a value, or remove the key');
  if (shape.quantity !== undefined) {
    const fault = checkQuantity(shape, value);
    return fault === undefined ? [] : problem(fault.message, fault.hint);
  }
  if (shape.anyOf !== undefined) {
    const branch = shape.anyOf.find((option) => option.type === kindOf(value, option.type));
    if (branch === undefined || (branch.enum !== undefined && !branch.enum.includes(value)))
      return problem(`must be ${shape.anyOf.map(nameOf).join(' or ')}, not ${shown(shape, value)}`);
    return checkShape(shape.secret === true ? { ...branch, secret: true } : branch, value, path);
  }
  if (shape.enum !== undefined) return checkChoice(shape, value, problem);
  if (shape.type !== undefined && shape.type !== kindOf(value, shape.type)) {
    return problem(`must be ${nameOf(shape)}, not ${shown(shape, value)}`);
  }
  if (shape.const !== undefined && shape.const !== value)
    return problem(`must be ${JSON.stringify(shape.const)}`);
  if (typeof value === 'string') return checkText(shape, value, problem);
  if (typeof value === 'number') return checkNumber(shape, value, problem);
  if (Array.isArray(value)) return checkList(shape, value, path);
  return isMapping(value) ? checkMapping(shape, value, path) : [];
}

/** Says whether a value of a document is a mapping, as opposed to a list, a set or bytes. */
export function isMapping(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && Object.getPrototypeOf(value) === Object.prototype;
}

type Problem = (message: string, hint?: string) => ShapeProblem[];

function checkMapping(shape: Shape, value: Readonly<Record<string, unknown>>, path: KeyPath): ShapeProblem[] {
  const problems: ShapeProblem[] = [];
  const written = Object.entries(value);
  if (written.length < (shape.minProperties ?? 0)) {
    const keys = Object.keys(shape.properties ?? {}).join(', ');
    problems.push({
      path,
      at: 'value',
      message: 'is empty',
      hint: keys === '' ? undefined : `one of: ${keys}`,
    });
  }
  if (written.length > (shape.maxProperties ?? Number.POSITIVE_INFINITY)) {
    const keys = Object.keys(shape.properties ?? {}).join(' or ');
    problems.push({ path, at: 'value', message: 'has too many keys', hint: `only one of ${keys} can hold` });
  }
  const open = shape.properties === undefined && shape.patternProperties === undefined;
  for (const [key, inner] of open ? [] : written) {
    const known = innerShape(shape, key);
    if (known === undefined && shape.secret === true && inner === null) problems.push(bareSecret(path));
    else if (known === undefined) problems.push(unknownKey(shape, key, path));
    else
      problems.push(
        ...checkShape(shape.secret === true ? { ...known, secret: true } : known, inner, [...path, key]),
      );
  }
  for (const key of shape.required ?? []) {
    if (!Object.hasOwn(value, key)) {
      problems.push({
        path: [...path, key],
        at: 'value',
        message: 'is missing',
        hint: describeKey(shape, key),
      });
    }
  }
  return problems;
}

function innerShape(shape: Shape, key: string): Shape | undefined {
  if (shape.properties !== undefined && Object.hasOwn(shape.properties, key)) return shape.properties[key];
  return Object.entries(shape.patternProperties ?? {}).find(([pattern]) =>
    new RegExp(pattern).test(key),
  )?.[1];
}

function describeKey(shape: Shape, key: string): string | undefined {
  return shape.properties?.[key]?.description?.replace(/\.$/, '');
}

/** Security: `{ value }` is a key without value; where a secret is expected, that key may be the secret itself. */
function bareSecret(path: KeyPath): ShapeProblem {
  return { path, at: 'value', message: 'has an unknown key', hint: 'write { env: NAME } or { file: PATH }' };
}

function unknownKey(shape: Shape, key: string, path: KeyPath): ShapeProblem {
  const later = shape.later !== undefined && Object.hasOwn(shape.later, key) ? shape.later[key] : undefined;
  const inner: KeyPath = [...path, key.length > 64 ? `${key.slice(0, 64)}…` : key];
  if (later !== undefined) {
    return { path: inner, at: 'key', message: `this version does not have ${later} yet`, hint: 'remove it' };
  }
  if (shape.patternProperties !== undefined) {
    return { path: inner, at: 'key', message: 'is not a valid name', hint: shape.patternHint };
  }
  const known = Object.keys(shape.properties ?? {});
  const meant = closest(key, known);
  const hint = meant === undefined ? `known keys: ${known.join(', ')}` : `did you mean ${meant}?`;
  return { path: inner, at: 'key', message: 'unknown key', hint };
}

function checkChoice(shape: Shape, value: unknown, problem: Problem): ShapeProblem[] {
  const choices = shape.enum ?? [];
  if (choices.includes(value)) return [];
  if (typeof value === 'string' && shape.later !== undefined && Object.hasOwn(shape.later, value)) {
    return problem(`this version does not have ${shape.later[value]} yet`, `one of: ${choices.join(', ')}`);
  }
  const meant = typeof value === 'string' ? closest(value, choices.map(String)) : undefined;
  return problem(
    `must be one of ${choices.join(', ')}, not ${shown(shape, value)}`,
    meant === undefined ? undefined : `did you mean ${meant}?`,
  );
}

function checkText(shape: Shape, value: string, problem: Problem): ShapeProblem[] {
  const length = [...value].length;
  if (length < (shape.minLength ?? 0)) return problem('is empty');
  if (length > (shape.maxLength ?? Number.POSITIVE_INFINITY))
    return problem(`is longer than ${shape.maxLength} characters`);
  if (shape.pattern !== undefined && !new RegExp(shape.pattern).test(value)) {
    return problem(`is not accepted: ${shown(shape, value)}`, shape.patternHint);
  }
  return [];
}

function checkNumber(shape: Shape, value: number, problem: Problem): ShapeProblem[] {
  if (value < (shape.minimum ?? Number.NEGATIVE_INFINITY))
    return problem(`must be at least ${shape.minimum}, not ${value}`);
  if (value > (shape.maximum ?? Number.POSITIVE_INFINITY))
    return problem(`must be at most ${shape.maximum}, not ${value}`);
  return [];
}

function checkList(shape: Shape, value: readonly unknown[], path: KeyPath): ShapeProblem[] {
  if (value.length < (shape.minItems ?? 0)) {
    return [{ path, at: 'value', message: 'is an empty list', hint: 'name at least one, or remove the key' }];
  }
  const items = shape.items;
  if (items === undefined) return [];
  const inner = shape.secret === true ? { ...items, secret: true } : items;
  return value.flatMap((item, i) => checkShape(inner, item, [...path, i]));
}

/** Gives the JSON Schema type of a value; `integer` only where that is asked for. */
function kindOf(value: unknown, asked: string | undefined): string {
  if (Array.isArray(value)) return 'array';
  if (typeof value === 'number')
    return asked === 'integer' && Number.isSafeInteger(value) ? 'integer' : 'number';
  if (typeof value === 'object') return isMapping(value) ? 'object' : 'unknown';
  return typeof value;
}

function nameOf(shape: Shape): string {
  if (shape.const !== undefined) return JSON.stringify(shape.const);
  if (shape.enum !== undefined) return shape.enum.join(', ');
  const names = {
    string: 'a text',
    number: 'a number',
    integer: 'a whole number',
    boolean: 'true or false',
    array: 'a list',
    object: 'a mapping',
  };
  return names[shape.type ?? 'object'];
}

/** Gives what the problem may show of a value. Security: of a secret only its kind. */
function shown(shape: Shape, value: unknown): string {
  if (Array.isArray(value)) return 'a list';
  if (typeof value === 'object') return isMapping(value) ? 'a mapping' : 'a value of another kind';
  if (shape.secret === true) return `a ${typeof value}`;
  const text = JSON.stringify(value) ?? 'nothing';
  return text.length > 80 ? `${text.slice(0, 80)}…` : text;
}
