import { Command, CommanderError } from 'commander';
import { addCertCommand } from './cert.ts';
import { addCheckCommand } from './check.ts';
import { addDoctorCommand } from './doctor.ts';
import { addKeyCommand } from './key.ts';
import { printFailure } from './print-failure.ts';
import { addSessionCommand } from './session.ts';
import type { Shell } from './shell.ts';
import { addStartCommand } from './start.ts';
import { addStateCommand } from './state.ts';
import { addTokenCommand } from './token.ts';
import { addUserCommand } from './user.ts';
import { addVersionCommand, packageVersion } from './version.ts';

/**
 * Runs one command and gives its exit code: 0 done, 1 failed or found something wrong.
 *
 * @param words - the arguments after the program's name
 */
export async function runCommand(words: readonly string[], shell: Shell): Promise<number> {
  let code = 0;
  const program = buildProgram(shell, () => {
    code = 1;
  });
  try {
    await program.parseAsync([...words], { from: 'user' });
    return code;
  } catch (thrown) {
    if (thrown instanceof CommanderError) return thrown.exitCode;
    printFailure(thrown, shell);
    return 1;
  }
}

function buildProgram(shell: Shell, fail: () => void): Command {
  const program = new Command('sallyport')
    .description('The guarded door of internal HTTP services')
    .version(packageVersion())
    .exitOverride()
    .configureOutput({ writeOut: (text) => shell.out(text), writeErr: (text) => shell.err(text) });
  addStartCommand(program, shell);
  addCheckCommand(program, shell, fail);
  addDoctorCommand(program, shell, fail);
  addVersionCommand(program, shell);
  addUserCommand(program, shell);
  addTokenCommand(program, shell);
  addSessionCommand(program, shell);
  addKeyCommand(program, shell);
  addCertCommand(program, shell);
  addStateCommand(program, shell);
  return program;
}
