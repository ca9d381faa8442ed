import { spawnSync } from 'node:child_process';
import { existsSync, rmSync, writeFileSync } from 'node:fs';
import { findProgram } from './provision-find.ts';

/** Asked by Debian's maintainer scripts before they start a daemon; 101 forbids it. See Debian Policy §9.3.3.2. */
const POLICY_FILE = '/usr/sbin/policy-rc.d';
const FORBID_START = '#!/bin/sh\nexit 101\n';

/** The system offers no way to install, or the attempt failed; the message says why in a few words. */
export class InstallImpossible extends Error {}

/**
 * Installs packages with apt-get, without starting the daemons that they bring.
 *
 * @param packages - names in the lists of Debian and Ubuntu
 * @param say - takes one line of progress
 * @throws InstallImpossible when this is no Debian, not root, or apt-get fails
 */
export function install(packages: readonly string[], say: (line: string) => void): void {
  const apt = findProgram('apt-get');
  if (apt === undefined) throw new InstallImpossible('no apt-get here');
  if (process.getuid?.() !== 0) throw new InstallImpossible('only root may install it');
  say(`The tests need ${packages.join(' and ')}: installing with apt-get.`);

  const ownPolicy = !existsSync(POLICY_FILE);
  if (ownPolicy) writeFileSync(POLICY_FILE, FORBID_START, { mode: 0o755 });
  try {
    run(apt, ['update', '-q']);
    run(apt, ['install', '-q', '-y', '--no-install-recommends', ...packages]);
  } finally {
    if (ownPolicy) rmSync(POLICY_FILE, { force: true });
  }
}

/** Gives the command that a person types to install the packages on this system. */
export function installHint(packages: readonly string[]): string {
  const names = packages.join(' ');
  if (findProgram('apt-get') !== undefined)
    return `run "sudo apt-get install --no-install-recommends ${names}"`;
  if (findProgram('dnf') !== undefined)
    return `run "sudo dnf install ${names.replace('redis-server', 'redis')}"`;
  if (findProgram('apk') !== undefined) return `run "apk add ${names.replace('redis-server', 'redis')}"`;
  if (findProgram('brew') !== undefined)
    return `run "brew install ${names.replace('redis-server', 'redis')}"`;
  return `install ${names} with the system's package manager`;
}

function run(apt: string, args: readonly string[]): void {
  // Blocking on purpose: an interrupt reaches apt-get, and the policy file is removed before this process ends.
  const done = spawnSync(apt, args, {
    stdio: ['ignore', 'pipe', 'pipe'],
    encoding: 'utf8',
    env: { ...process.env, DEBIAN_FRONTEND: 'noninteractive' },
  });
  if (done.status === 0) return;
  const lastLine = done.stderr?.trim().split('\n').at(-1) ?? '';
  throw new InstallImpossible(
    `apt-get ${args[0]} failed: ${lastLine || done.error?.message || 'no reason given'}`,
  );
}
