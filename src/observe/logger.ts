import { pino } from 'pino';
import type { Logger } from '../lib/logger.ts';
import type { LogSink } from './log-sink.ts';
import { makeRedaction } from './redaction.ts';

export interface LoggerOptions {
  readonly level: 'debug' | 'info' | 'warn' | 'error' | 'silent';
  readonly destination: Pick<LogSink, 'write'>;
}

/** A logger whose level can be changed while it is used. */
export interface LeveledLogger extends Logger {
  level: string;
}

/**
 * Gives the operator's log: one JSON object a line, with `level`, `time` (ISO 8601), `pid`, the fields and `msg`.
 *
 * Security: the fields pass the one redaction list before they are written.
 */
export function makeLogger({ level, destination }: LoggerOptions): LeveledLogger {
  const redact = makeRedaction();
  return pino(
    {
      level,
      base: { pid: process.pid },
      timestamp: () => `,"time":"${new Date().toISOString()}"`,
      formatters: { level: (label) => ({ level: label }), log: redact },
      // Errors were made plain by the redaction; pino's own form of `err` would undo it.
      serializers: { err: (value: unknown) => value },
    },
    { write: (line: string) => destination.write(line) },
  );
}
