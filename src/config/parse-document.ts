import { type Document, isScalar, LineCounter, type Node, parseDocument, visit, type YAMLMap } from 'yaml';
import type { KeyPath } from './key-path.ts';
import { locate, type Position } from './locate.ts';

/** A fault of the YAML itself. */
export interface SyntaxFault {
  readonly position: Position | undefined;
  readonly message: string;
  readonly hint: string | undefined;
}

interface PlacedFault extends SyntaxFault {
  readonly position: Position;
}

export type ParsedDocument =
  | { readonly faults: readonly SyntaxFault[] }
  | {
      readonly value: unknown;
      readonly locate: (path: KeyPath, at: 'key' | 'value') => Position | undefined;
    };

/** Largest document, bytes. */
export const MAX_DOCUMENT_BYTES = 10 * 2 ** 20;

/** Most times that aliases may repeat what an anchor holds. */
const MAX_ALIASES = 100;

/**
 * Gives the plain value of a YAML document and the places of its parts, or every fault of its syntax. Never throws.
 *
 * YAML 1.2 core schema: `yes` and `on` are texts, keys are texts and unique, `<<` is an ordinary key.
 */
export function parseYaml(text: string): ParsedDocument {
  if (Buffer.byteLength(text) > MAX_DOCUMENT_BYTES)
    return fault(`is larger than ${MAX_DOCUMENT_BYTES / 2 ** 20} MiB`);
  const lines = new LineCounter();
  try {
    const document = parseDocument(text, {
      lineCounter: lines,
      strict: true,
      // The parser compares every key with every other; `duplicateKeys` looks each up once.
      uniqueKeys: false,
      stringKeys: true,
      prettyErrors: false,
      merge: false,
      logLevel: 'error',
    });
    const faults = syntaxFaults(document, lines);
    if (faults.length > 0) return { faults };
    const value: unknown = document.toJS({ maxAliasCount: MAX_ALIASES });
    return { value, locate: (path, at) => locate(document, lines, path, at) };
  } catch (thrown) {
    if (thrown instanceof RangeError) return fault('is nested too deeply');
    if (thrown instanceof ReferenceError)
      return fault('repeats its anchors too often', 'write the values out');
    return fault('cannot be read as YAML');
  }
}

function syntaxFaults(document: Document.Parsed, lines: LineCounter): PlacedFault[] {
  const faults: PlacedFault[] = [...document.errors, ...document.warnings].map(({ code, message, pos }) => {
    const { line, col } = lines.linePos(pos[0]);
    return { position: { line, column: col }, message: sentence(message), hint: HINTS[code] };
  });
  // `%YAML 1.1` would bring its booleans, octal numbers and merge keys back.
  if (document.directives?.yaml.version === '1.1') {
    faults.push({
      position: { line: 1, column: 1 },
      message: 'YAML 1.1 is not supported',
      hint: 'remove the %YAML line',
    });
  }
  const at = (node: Node | undefined): Position => {
    const { line, col } = lines.linePos(node?.range?.[0] ?? 0);
    return { line, column: col };
  };
  faults.push(...nodeFaults(document, at));
  return faults.sort((a, b) => a.position.line - b.position.line || a.position.column - b.position.column);
}

/** Gives keys that stand twice in a mapping, and aliases without an anchor before them. */
function nodeFaults(document: Document.Parsed, at: (node: Node | undefined) => Position): PlacedFault[] {
  const faults: PlacedFault[] = [];
  const anchors = new Set<string>();
  const remember = ({ anchor }: { readonly anchor?: string }): void => {
    if (anchor !== undefined) anchors.add(anchor);
  };
  visit(document, {
    Scalar: (_, node) => remember(node),
    Seq: (_, node) => remember(node),
    Map: (_, node) => {
      remember(node);
      faults.push(...duplicateKeys(node, at));
    },
    Alias: (_, node) => {
      if (anchors.has(node.source)) return;
      const message = `there is no anchor &${node.source} before this`;
      faults.push({ position: at(node), message, hint: 'write the value out' });
    },
  });
  return faults;
}

function duplicateKeys(map: YAMLMap, at: (node: Node | undefined) => Position): PlacedFault[] {
  const seen = new Set<string>();
  return map.items.flatMap(({ key }) => {
    if (!isScalar(key)) return [];
    const name = String(key.value);
    const twice = seen.has(name);
    seen.add(name);
    return twice ? [{ position: at(key), message: 'this key stands twice', hint: 'each key once' }] : [];
  });
}

const HINTS: Readonly<Record<string, string | undefined>> = {
  TAB_AS_INDENT: 'indent with spaces',
  MULTIPLE_DOCS: 'one document per file: remove the line ---',
  TAG_RESOLVE_FAILED: 'tags are not supported: remove the word that starts with !',
  BAD_INDENT: 'check the indentation and the brackets',
  MISSING_CHAR: 'check quotes and brackets',
};

/** Security: only the first line of the parser's message; the lines after it would quote the file. */
function sentence(message: string): string {
  return (message.split('\n')[0] ?? '').slice(0, 200);
}

function fault(message: string, hint?: string): ParsedDocument {
  return { faults: [{ position: undefined, message, hint }] };
}
