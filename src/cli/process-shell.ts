import { createInterface } from 'node:readline';
import { Writable } from 'node:stream';
import { Complaint } from './complaint.ts';
import type { Shell } from './shell.ts';

const MOST_INPUT_BYTES = 1024 * 1024;
const SIGNALS = ['SIGHUP', 'SIGINT', 'SIGTERM'] as const;

/** Gives the shell of a real process. Colours only on a terminal, and not when NO_COLOR is set. */
export function makeShell(host: NodeJS.Process): Shell {
  return {
    env: host.env,
    folder: host.cwd(),
    colours: host.stdout.isTTY === true && (host.env.NO_COLOR ?? '') === '',
    width: host.stdout.isTTY === true ? host.stdout.columns : undefined,
    out: (text) => void host.stdout.write(text),
    err: (text) => void host.stderr.write(text),
    readInput: () => readAll(host.stdin),
    askHidden: (question) => (host.stdin.isTTY ? askHidden(host, question) : Promise.resolve(undefined)),
    onSignal(listener) {
      for (const signal of SIGNALS) host.on(signal, listener);
      return () => {
        for (const signal of SIGNALS) host.off(signal, listener);
      };
    },
    onCrash(listener) {
      // Without a listener of their own, rejections that nobody handles arrive as uncaught exceptions.
      host.on('uncaughtException', listener);
      return () => host.off('uncaughtException', listener);
    },
    quit: (code) => host.exit(code),
  };
}

async function readAll(input: NodeJS.ReadStream): Promise<string> {
  const chunks: Buffer[] = [];
  let length = 0;
  for await (const chunk of input) {
    const bytes = Buffer.from(chunk);
    length += bytes.length;
    if (length > MOST_INPUT_BYTES) throw new Complaint('The standard input is larger than 1 MiB');
    chunks.push(bytes);
  }
  return Buffer.concat(chunks).toString();
}

function askHidden(host: NodeJS.Process, question: string): Promise<string> {
  host.stderr.write(question);
  const nowhere = new Writable({ write: (_chunk, _encoding, done) => done() });
  const lines = createInterface({ input: host.stdin, output: nowhere, terminal: true });
  return new Promise((resolve, reject) => {
    lines.once('line', (line) => {
      lines.close();
      host.stderr.write('\n');
      resolve(line);
    });
    lines.once('SIGINT', () => {
      lines.close();
      reject(new Complaint('Stopped before the password was complete'));
    });
  });
}
