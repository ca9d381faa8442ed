#!/usr/bin/env node
import { runCommand } from './cli/command.ts';
import { makeShell } from './cli/process-shell.ts';

const code = await runCommand(process.argv.slice(2), makeShell(process));
process.exit(code);
