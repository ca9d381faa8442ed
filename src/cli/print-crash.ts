import { plainText } from './plain-text.ts';
import type { Shell } from './shell.ts';

/**
 * Prints what nobody caught to stderr: one line, then where it comes from.
 *
 * Security: of an error only its message and stack; its other properties may hold a command to the state with all
 * that was to be stored.
 */
export function printCrash(thrown: unknown, shell: Pick<Shell, 'err'>): void {
  const what = thrown instanceof Error ? `${thrown.name}: ${thrown.message}` : typeof thrown;
  shell.err(`sallyport: this is a defect, the process ends (SP_INTERNAL): ${plainText(what)}\n`);
  const frames =
    thrown instanceof Error ? (thrown.stack ?? '').split('\n').filter((line) => /^\s+at /.test(line)) : [];
  for (const frame of frames) shell.err(`${plainText(frame)}\n`);
}
