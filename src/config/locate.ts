import { type Document, isAlias, isMap, isNode, isScalar, isSeq, type LineCounter, type Node } from 'yaml';
import type { KeyPath } from './key-path.ts';

export interface Position {
  /** 1-based. */
  readonly line: number;
  /** 1-based. */
  readonly column: number;
}

/**
 * Gives the place of a path in a parsed document, or of the nearest part of it that exists.
 *
 * @param at - `key`: where the key of the last step stands; `value`: where its value begins
 */
export function locate(
  document: Document,
  lines: LineCounter,
  path: KeyPath,
  at: 'key' | 'value',
): Position | undefined {
  let node: unknown = document.contents;
  let offset = startOf(node);
  for (const [i, step] of path.entries()) {
    const next = enter(document, node, step);
    if (next === undefined) break;
    const place = at === 'key' && i === path.length - 1 ? (next.key ?? next.value) : next.value;
    offset = startOf(place) ?? startOf(next.key) ?? offset;
    node = next.value;
  }
  if (offset === undefined) return undefined;
  const { line, col } = lines.linePos(offset);
  return line > 0 ? { line, column: col } : undefined;
}

function enter(
  document: Document,
  parent: unknown,
  step: string | number,
): { readonly key: unknown; readonly value: unknown } | undefined {
  const node = isAlias(parent) ? parent.resolve(document) : parent;
  if (isSeq(node) && typeof step === 'number') {
    const value = node.items[step];
    return value === undefined ? undefined : { key: undefined, value };
  }
  if (!isMap(node)) return undefined;
  const pair = node.items.find((item) => isScalar(item.key) && String(item.key.value) === String(step));
  return pair === undefined ? undefined : { key: pair.key, value: pair.value };
}

function startOf(node: unknown): number | undefined {
  return isNode(node) ? (node satisfies Node).range?.[0] : undefined;
}
