import * as crypto from 'node:crypto';
import { join, resolve } from 'node:path';
import { styleText } from 'node:util';
import type { Command } from 'commander';
import type { Config } from '../config/config.ts';
import { DEMONSTRATION } from '../config/demonstration.ts';
import { parseConfig, readConfig } from '../config/load.ts';
import { systemClock } from '../lib/clock.ts';
import { DEFAULT_CONFIG, DEFAULT_DATA } from './admin-options.ts';
import { findConfig } from './check.ts';
import { type Finding, finding } from './diagnosis.ts';
import { examineCertificates } from './doctor-certificates.ts';
import { examineClients } from './doctor-clients.ts';
import { examinePermissions } from './doctor-permissions.ts';
import { askServed } from './doctor-served.ts';
import { examineState } from './doctor-state.ts';
import { examineWebhook } from './doctor-webhook.ts';
import { plainText } from './plain-text.ts';
import { runtimeFloor } from './runtime-floor.ts';
import type { Shell } from './shell.ts';

interface DoctorFlags {
  readonly config?: string;
  readonly data: string;
  readonly json?: boolean;
}

/** Adds `doctor`. @param fail - called when a finding is a failure */
export function addDoctorCommand(program: Command, shell: Shell, fail: () => void): void {
  program
    .command('doctor')
    .description('look for what will hurt: runtime, configuration, state, certificates, permissions')
    .option('-c, --config <file>', `configuration file (default: ${DEFAULT_CONFIG} when it is there)`)
    .option('--data <folder>', 'folder of keys and state', DEFAULT_DATA)
    .option('--json', 'JSON for scripts')
    .action(async (flags: DoctorFlags) => {
      const findings = await examine(flags, shell);
      if (flags.json === true) shell.out(`${JSON.stringify(findings, null, 2)}\n`);
      else for (const found of findings) shell.out(formatFinding(found, shell.colours));
      if (findings.some(({ verdict }) => verdict === 'fail')) fail();
    });
}

async function examine(flags: DoctorFlags, shell: Shell): Promise<Finding[]> {
  const findings = [examineRuntime(process.versions.node), examineHash()];
  const { config, found } = examineConfig(findConfig(flags.config, shell), shell);
  findings.push(...found);
  if (config === undefined) return findings;
  findings.push(await examineState(config));
  const told = await askServed(config, flags.data, shell);
  findings.push(...examineCertificates(config, told.certificates, systemClock), ...told.found);
  findings.push(...(await examineClients(config, systemClock)));
  findings.push(...examineWebhook(config));
  findings.push(...examinePermissions(config, resolve(shell.folder, flags.data)));
  findings.push(examineAdmin(config));
  return findings;
}

function examineRuntime(version: string): Finding {
  const floor = runtimeFloor(version);
  if (floor === undefined) return finding('ok', 'runtime', `Node ${version}`);
  return finding('warn', 'runtime', `Node ${version} has known vulnerabilities; run ${floor} or newer`);
}

function examineHash(): Finding {
  if ('argon2' in crypto) return finding('ok', 'password hash', 'argon2id is there');
  return finding('fail', 'password hash', 'this runtime has no argon2id; run Node 24.7 or newer');
}

function examineConfig(
  file: string | undefined,
  shell: Shell,
): { readonly config: Config | undefined; readonly found: readonly Finding[] } {
  const demonstration = { file: join(shell.folder, 'demonstration.yaml'), env: shell.env };
  const { config, problems } =
    file === undefined ? parseConfig(DEMONSTRATION, demonstration) : readConfig(file, shell.env);
  const found = problems.map(({ line, column, path, message, severity }) => {
    const place = line === undefined ? '' : `${line}:${column} `;
    return finding(severity === 'error' ? 'fail' : 'warn', 'configuration', `${place}${path} ${message}`);
  });
  if (config !== undefined) found.unshift(finding('ok', 'configuration', file ?? 'the demonstration'));
  return { config, found };
}

function examineAdmin({ listen }: Config): Finding {
  const { admin } = listen;
  if (admin.kind === 'unix') return finding('ok', 'admin', `unix socket ${admin.path}`);
  const loopback = /^(127\.\d+\.\d+\.\d+|::1|localhost)$/.test(admin.host);
  if (loopback) return finding('ok', 'admin', `listens on ${admin.host} only`);
  return finding('warn', 'admin', `listens on ${admin.host}: everybody who reaches it may try tokens`);
}

function formatFinding({ verdict, check, text }: Finding, colours: boolean): string {
  const colour = { ok: 'green', warn: 'yellow', fail: 'red' } as const;
  const word = verdict.padEnd(4);
  const styled = colours ? styleText(colour[verdict], word, { validateStream: false }) : word;
  return `${styled}  ${check.padEnd(13)}  ${plainText(text)}\n`;
}
