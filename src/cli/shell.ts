/** What a command needs of the world around it; `main.ts` gives the real one. */
export interface Shell {
  readonly env: Readonly<Record<string, string | undefined>>;
  /** Working folder, absolute. */
  readonly folder: string;
  /** Whether colours may be written. */
  readonly colours: boolean;
  /** Columns of the terminal; `undefined` when the output goes elsewhere. */
  readonly width: number | undefined;
  out(text: string): void;
  err(text: string): void;
  /** Gives all of the standard input, at most 1 MiB. */
  readInput(): Promise<string>;
  /** Asks a person and does not show what is typed; `undefined` when there is no terminal. */
  askHidden(question: string): Promise<string | undefined>;
  /** Calls back on each signal until the returned function is called. */
  onSignal(listener: (signal: 'SIGHUP' | 'SIGINT' | 'SIGTERM') => void): () => void;
  /** Calls back when something was thrown that nobody caught, until the returned function is called. */
  onCrash(listener: (thrown: unknown) => void): () => void;
  /** Ends the process at once, for the second Ctrl-C. */
  quit(code: number): void;
}
