import { findProgram } from '../../test/support/provision-find.ts';

const PACKAGES: Readonly<Record<string, string>> = {
  nginx: 'nginx',
  haproxy: 'haproxy',
  h2load: 'nghttp2-client',
  openssl: 'openssl',
};

/** Gives the path of a program, or `undefined` after saying how to install it. */
export function optionalProgram(name: string, say: (line: string) => void): string | undefined {
  const path = findProgram(name);
  if (path === undefined)
    say(`${name} is not installed, going on without it (apt-get install ${PACKAGES[name] ?? name}).`);
  return path;
}

/**
 * Gives the path of a program that the measurement cannot do without.
 *
 * @throws Error that says how to install it
 */
export function neededProgram(name: string): string {
  const path = findProgram(name);
  if (path === undefined) throw new Error(`${name} is needed: apt-get install ${PACKAGES[name] ?? name}`);
  return path;
}
