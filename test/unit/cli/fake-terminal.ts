import { mkdtempSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { runCommand } from '../../../src/cli/command.ts';
import type { Shell } from '../../../src/cli/shell.ts';

/** A terminal of a test: an empty folder, no colours, answers prepared. */
export interface TestTerminal extends Shell {
  readonly printed: { out: string; err: string };
  readonly quits: number[];
  signal(name: 'SIGHUP' | 'SIGINT' | 'SIGTERM'): void;
  crash(thrown: unknown): void;
  /** Runs a command and gives its exit code; what was printed before is forgotten. */
  run(...words: string[]): Promise<number>;
}

export function openTerminal(
  options: {
    readonly env?: Shell['env'];
    readonly input?: string;
    readonly hidden?: readonly string[];
    readonly width?: number;
  } = {},
): TestTerminal {
  const printed = { out: '', err: '' };
  const listeners = new Set<(signal: 'SIGHUP' | 'SIGINT' | 'SIGTERM') => void>();
  const crashes = new Set<(thrown: unknown) => void>();
  const hidden = [...(options.hidden ?? [])];
  const quits: number[] = [];
  const terminal: TestTerminal = {
    env: options.env ?? {},
    folder: mkdtempSync(join(tmpdir(), 'sallyport-cli-')),
    colours: false,
    width: options.width,
    printed,
    quits,
    out: (text) => {
      printed.out += text;
    },
    err: (text) => {
      printed.err += text;
    },
    readInput: async () => options.input ?? '',
    askHidden: async () => hidden.shift(),
    onSignal(listener) {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
    onCrash(listener) {
      crashes.add(listener);
      return () => crashes.delete(listener);
    },
    crash: (thrown) => {
      for (const listener of crashes) listener(thrown);
    },
    quit: (code) => quits.push(code),
    signal: (name) => {
      for (const listener of listeners) listener(name);
    },
    run(...words) {
      printed.out = '';
      printed.err = '';
      return runCommand(words, terminal);
    },
  };
  return terminal;
}
