import { readFileSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { configJsonSchema, configMarkdown } from '../src/config/document.ts';
import { errorsMarkdown } from './errors-markdown.ts';

/** Writes the documentation that is made from the sources; with `--check` only says which file is stale. */
const FILES: Readonly<Record<string, () => string>> = {
  'docs/config.md': configMarkdown,
  'docs/config.schema.json': configJsonSchema,
  'docs/errors.md': errorsMarkdown,
};

const check = process.argv.includes('--check');
for (const [name, make] of Object.entries(FILES)) {
  const file = fileURLToPath(new URL(`../${name}`, import.meta.url));
  const wanted = make();
  if (!check) writeFileSync(file, wanted);
  else if (read(file) !== wanted) {
    process.stderr.write(`${name} is stale: run npm run docs\n`);
    process.exitCode = 1;
  }
}

function read(file: string): string | undefined {
  try {
    return readFileSync(file, 'utf8');
  } catch {
    return undefined;
  }
}
