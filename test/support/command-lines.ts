import { codeBlocks } from './markdown.ts';

/** A command as documentation writes it: `user add` with the options that are named for it. */
export interface WrittenCommand {
  readonly words: readonly string[];
  /** Long options, with their dashes. */
  readonly options: readonly string[];
}

/** Commands that are followed by a second word. */
const GROUPS = ['user', 'token', 'session', 'key', 'cert'];

/**
 * Gives every `sallyport ...` command in the code blocks of a text. Alternatives are written apart: `a|b` for words, ` | ` for
 * whole commands of one group.
 */
export function commandLines(markdown: string): readonly WrittenCommand[] {
  return codeBlocks(markdown)
    .flatMap((block) => block.text.split('\n'))
    .filter((line) => line.startsWith('sallyport '))
    .flatMap((line) => commandsOf(line.slice('sallyport '.length)));
}

function commandsOf(line: string): readonly WrittenCommand[] {
  const first = (line.split(' ')[0] ?? '').split('|');
  const options = optionsOf(line);
  const group = first.find((word) => GROUPS.includes(word));
  if (group === undefined) return first.map((word) => ({ words: [word], options }));
  return line
    .slice(group.length + 1)
    .split(' | ')
    .map((part) => ({ words: [group, part.split(' ')[0] ?? ''], options: optionsOf(part) }));
}

function optionsOf(text: string): readonly string[] {
  return [...text.matchAll(/--[a-z][a-z-]*/g)].map(([option]) => option);
}
