import { findProgram } from './provision-find.ts';
import { InstallImpossible, install, installHint } from './provision-install.ts';

/** A program that tests start as a process of their own. */
interface Needed {
  readonly program: string;
  /** Name in the package lists of Debian and Ubuntu. */
  readonly package: string;
  /** Environment variable that names the program, read before PATH and told to every test process. */
  readonly variable: string;
}

const NEEDED: readonly Needed[] = [
  { program: 'redis-server', package: 'redis-server', variable: 'SALLYPORT_TEST_REDIS_SERVER' },
  { program: 'nginx', package: 'nginx', variable: 'SALLYPORT_TEST_NGINX' },
  { program: 'chromium', package: 'chromium', variable: 'SALLYPORT_TEST_CHROMIUM' },
  { program: 'pebble', package: 'pebble', variable: 'SALLYPORT_TEST_PEBBLE' },
];

/** What the tests need is missing and cannot be installed from here; the message says what to do. */
export class ProvisionError extends Error {}

/**
 * Finds the programs that the tests start, and installs the absent ones where the system allows it.
 *
 * @param say - takes one line of progress
 * @returns environment variables for the test processes: name -> absolute path of the program
 * @throws ProvisionError with one line that names what to install and how
 */
export function provision(say: (line: string) => void): Record<string, string> {
  const missing = NEEDED.filter((needed) => find(needed) === undefined);
  if (missing.length > 0) installMissing(missing, say);

  const environment: Record<string, string> = {};
  for (const needed of NEEDED) {
    const path = find(needed);
    if (path === undefined) throw impossible([needed], 'not found after it was installed');
    environment[needed.variable] = path;
  }
  return environment;
}

function find(needed: Needed): string | undefined {
  const named = process.env[needed.variable];
  if (named === undefined || named === '') return findProgram(needed.program);
  const path = findProgram(named);
  if (path === undefined)
    throw new ProvisionError(`${needed.variable} names no program that can be run: ${named}`);
  return path;
}

function installMissing(missing: readonly Needed[], say: (line: string) => void): void {
  const packages = missing.map((needed) => needed.package);
  try {
    install(packages, say);
  } catch (thrown) {
    if (!(thrown instanceof InstallImpossible)) throw thrown;
    throw impossible(missing, thrown.message);
  }
}

function impossible(missing: readonly Needed[], why: string): ProvisionError {
  const programs = missing.map((needed) => needed.program).join(' and ');
  const variables = missing.map((needed) => needed.variable).join(' and ');
  const hint = installHint(missing.map((needed) => needed.package));
  return new ProvisionError(`The tests need ${programs} (${why}): ${hint}, or set ${variables} to its path.`);
}
