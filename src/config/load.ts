import { closeSync, openSync, readSync } from 'node:fs';
import { dirname, resolve } from 'node:path';
import { GatewayError } from '../errors.ts';
import type { Config, ConfigProblem } from './config.ts';
import { dotted } from './key-path.ts';
import type { Position } from './locate.ts';
import { MAX_DOCUMENT_BYTES, parseYaml } from './parse-document.ts';
import { resolveConfig } from './resolve-config.ts';
import { type FoundProblem, ResolveContext } from './resolve-context.ts';

export type Environment = Readonly<Record<string, string | undefined>>;

export interface ParsedConfig {
  /** Absent when one of the problems is an error. */
  readonly config?: Config;
  /** Errors and warnings in the order of the file. */
  readonly problems: readonly ConfigProblem[];
}

/** Most problems that are told at once. */
const MAX_PROBLEMS = 200;

/**
 * Gives the configuration of a file.
 *
 * @param env - where `{ env: NAME }` is looked up
 * @throws SP_CONFIG_INVALID with every problem, one per line of `problems`
 */
export function loadConfig(file: string, env: Environment): Config {
  const { config, problems } = readConfig(file, env);
  if (config !== undefined) return config;
  const errors = problems.filter((problem) => problem.severity === 'error').map(formatProblem);
  const detail = `${errors.length} ${errors.length === 1 ? 'problem' : 'problems'} in ${file}: ${errors[0]}`;
  throw new GatewayError('SP_CONFIG_INVALID', { detail, reason: 'config', problems: errors });
}

/** Gives the configuration of a file together with its warnings, or everything that is wrong with it. Never throws. */
export function readConfig(file: string, env: Environment): ParsedConfig {
  const text = readBounded(file);
  return 'fault' in text
    ? { problems: [wholeFile(file, text.fault)] }
    : parseConfig(text.text, { file, env });
}

/**
 * Gives the configuration that a text means, or everything that is wrong with it. Never throws.
 *
 * @param place.file - named in problems; relative paths in the text start at its folder
 *
 * Security: no problem holds a secret.
 */
export function parseConfig(
  text: string,
  place: { readonly file: string; readonly env: Environment },
): ParsedConfig {
  const { file, env } = place;
  const document = parseYaml(text);
  if ('faults' in document) {
    const problems = document.faults.map((fault) =>
      toProblem(file, { ...fault, path: '', severity: 'error' }),
    );
    return { problems: problems.slice(0, MAX_PROBLEMS) };
  }
  const context = new ResolveContext(dirname(resolve(file)), env);
  const config = resolveConfig(document.value, resolve(file), context);
  const found = [...context.problems].sort(
    (a, b) => Number(a.severity === 'warning') - Number(b.severity === 'warning'),
  );
  const problems = found.slice(0, MAX_PROBLEMS).map((problem) => {
    return toProblem(file, {
      ...problem,
      path: dotted(problem.path),
      position: document.locate(problem.path, problem.at),
    });
  });
  problems.sort((a, b) => (a.line ?? 0) - (b.line ?? 0) || (a.column ?? 0) - (b.column ?? 0));
  return config === undefined ? { problems } : { config, problems };
}

/** Gives a problem as one line: `file:line:column  path: message (hint)`. */
export function formatProblem(problem: ConfigProblem): string {
  const place = [problem.file, problem.line, problem.column].filter((part) => part !== undefined).join(':');
  const path = problem.path === '' ? '' : `${problem.path}: `;
  const hint = problem.hint === undefined ? '' : ` (${problem.hint})`;
  return `${place}  ${path}${problem.message}${hint}`;
}

interface Finding extends Pick<FoundProblem, 'message' | 'hint' | 'severity'> {
  readonly path: string;
  readonly position: Position | undefined;
}

function toProblem(file: string, { path, position, message, hint, severity }: Finding): ConfigProblem {
  return { file, line: position?.line, column: position?.column, path, message, hint, severity };
}

function wholeFile(file: string, message: string): ConfigProblem {
  return toProblem(file, { path: '', position: undefined, message, hint: undefined, severity: 'error' });
}

function readBounded(file: string): { readonly text: string } | { readonly fault: string } {
  try {
    const descriptor = openSync(file, 'r');
    try {
      const buffer = Buffer.alloc(MAX_DOCUMENT_BYTES + 1);
      let length = 0;
      for (let read = -1; read !== 0 && length < buffer.length; length += read) {
        read = readSync(descriptor, buffer, length, buffer.length - length, null);
      }
      if (length > MAX_DOCUMENT_BYTES) return { fault: `is larger than ${MAX_DOCUMENT_BYTES / 2 ** 20} MiB` };
      return { text: new TextDecoder('utf-8', { fatal: true }).decode(buffer.subarray(0, length)) };
    } finally {
      closeSync(descriptor);
    }
  } catch (thrown) {
    if (thrown instanceof TypeError) return { fault: 'is not UTF-8' };
    return {
      fault: `cannot be read: ${thrown instanceof Error && 'code' in thrown ? thrown.code : 'unknown reason'}`,
    };
  }
}
