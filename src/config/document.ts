import type { Shape } from './check-shape.ts';
import { SECTIONS } from './schema/root.ts';

const INTRODUCTION = `# Configuration

Generated from the schemas in \`src/config/schema/\` by \`npm run docs\`; do not edit.

One YAML file (YAML 1.2, at most 10 MiB), usually \`sallyport.yaml\`. Unknown keys are refused, and every problem is reported
at once with its file, line and column. Relative paths start at the folder of the file.

- A **duration** is a whole number and its unit: \`250ms\`, \`30s\`, \`5m\`, \`12h\`, \`7d\`. Where \`0\` is accepted it switches the key off.
- A **size** is a whole number and its unit: \`512B\`, \`32KiB\`, \`100MiB\`, \`2GiB\`. \`0\` switches it off.
- A **secret** is never written in the file: \`{ env: NAME }\` takes it from the environment, \`{ file: PATH }\` from a file.

For completion in an editor, put this line at the top of the file:

\`\`\`yaml
# yaml-language-server: $schema=docs/config.schema.json
\`\`\`
`;

interface Row {
  readonly key: string;
  readonly shape: Shape;
  readonly required: boolean;
}

/** Gives the reference of every key as Markdown, made from the schemas alone. */
export function configMarkdown(): string {
  const sections = Object.entries(SECTIONS).map(([name, schema]) => section(name, schema as Shape));
  return `${INTRODUCTION}\n${sections.join('\n')}`;
}

/** Gives the JSON Schema (2020-12) of the file, for editors. */
export function configJsonSchema(): string {
  const schema = {
    $schema: 'https://json-schema.org/draft/2020-12/schema',
    title: 'Sallyport configuration',
    type: 'object',
    properties: SECTIONS,
    additionalProperties: false,
  };
  const own = new Set(['quantity', 'maximumMs', 'later', 'secret', 'patternHint']);
  return `${JSON.stringify(schema, (key, value: unknown) => (own.has(key) && isKeyword(key, value) ? undefined : value), 2)}\n`;
}

/** Says whether a member is one of our keywords and not a key of the configuration that has the same name. */
function isKeyword(key: string, value: unknown): boolean {
  return key !== 'secret' || typeof value === 'boolean';
}

function section(name: string, shape: Shape): string {
  const rows = rowsOf(shape, '').map(
    ({ key, shape: inner, required }) =>
      `| \`${key}\` | ${cell(typeOf(inner))} | ${defaultOf(inner, required)} | ${cell(inner.description ?? '')} | ${exampleOf(inner)} |`,
  );
  const own = shape.default === undefined ? '' : ` Default: ${code(shape.default)}.`;
  const table = ['| key | type | default | meaning | example |', '| --- | --- | --- | --- | --- |', ...rows];
  return `## \`${name}\`\n\n${shape.description ?? ''}${own}\n\n${table.join('\n')}\n`;
}

function rowsOf(shape: Shape, prefix: string): Row[] {
  const mapping = [shape, ...(shape.anyOf ?? [])].find(
    (option) => option.properties !== undefined && !isSecret(option),
  );
  const own = Object.entries(mapping?.properties ?? {}).flatMap(([key, inner]) => {
    const row = { key: `${prefix}${key}`, shape: inner, required: mapping?.required?.includes(key) === true };
    return isSecret(inner) ? [row] : [row, ...rowsOf(inner, `${prefix}${key}.`)];
  });
  const named = Object.values(shape.patternProperties ?? {}).flatMap((inner) =>
    rowsOf(inner, `${prefix}NAME.`),
  );
  const items =
    shape.items === undefined ? [] : rowsOf(shape.items, prefix === '' ? '[].' : `${prefix.slice(0, -1)}[].`);
  return [...own, ...named, ...items];
}

function isSecret(shape: Shape): boolean {
  return shape.properties?.env !== undefined && shape.properties.file !== undefined;
}

function typeOf(shape: Shape): string {
  if (isSecret(shape)) return 'secret';
  if (shape.quantity !== undefined)
    return shape.anyOf === undefined ? shape.quantity : `${shape.quantity} or \`0\``;
  if (shape.anyOf !== undefined) return shape.anyOf.map(typeOf).join(' or ');
  if (shape.enum !== undefined) return shape.enum.map((value) => `\`${value}\``).join(', ');
  if (shape.const !== undefined) return `\`${shape.const}\``;
  if (shape.type === 'array') return listOf(shape.items);
  if (shape.patternProperties !== undefined) return 'mapping by name';
  const names = {
    string: 'text',
    integer: 'number',
    object: 'mapping',
    boolean: '`true`, `false`',
    number: 'number',
  };
  return names[shape.type ?? 'object'];
}

function listOf(items: Shape | undefined): string {
  if (items?.type === 'object') return 'list of mappings';
  if (items?.quantity !== undefined) return `list of ${items.quantity}s`;
  if (items?.enum === undefined) return 'list of texts';
  return items.enum.length > 5 ? 'list of names' : `list of ${typeOf(items)}`;
}

function defaultOf(shape: Shape, required: boolean): string {
  if (required) return 'required';
  return shape.default === undefined ? '' : code(shape.default);
}

function exampleOf(shape: Shape): string {
  return (shape.examples ?? []).map(code).join(', ');
}

function code(value: unknown): string {
  return `\`${flow(value).replaceAll('|', '\\|')}\``;
}

/** Gives a value as flow YAML. */
function flow(value: unknown): string {
  if (Array.isArray(value)) return `[${value.map(flow).join(', ')}]`;
  if (typeof value === 'object' && value !== null) {
    const entries = Object.entries(value).map(([key, inner]) => `${key}: ${flow(inner)}`);
    return entries.length === 0 ? '{}' : `{ ${entries.join(', ')} }`;
  }
  return typeof value === 'string' && value.startsWith('*') ? JSON.stringify(value) : String(value);
}

function cell(text: string): string {
  return text.replaceAll('|', '\\|');
}
