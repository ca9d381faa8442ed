import { execFile } from 'node:child_process';
import { createHash } from 'node:crypto';
import { AcmeError } from './acme-error.ts';

/** Runs the command that sets or removes a TXT record. @throws AcmeError `hook` */
export type RunHook = (action: 'present' | 'cleanup', host: string, value: string) => Promise<void>;

const TIMEOUT_MS = 5 * 60_000;
const MAX_OUTPUT = 64 * 1024;

/** Gives the TXT value that proves a key authorization (RFC 8555 §8.4). */
export function dnsValue(keyAuthorization: string): string {
  return createHash('sha256').update(keyAuthorization).digest('base64url');
}

/**
 * Gives the command as a function. It is called with its own arguments, then `present` or `cleanup`, the name of the record
 * (`_acme-challenge.<host>`) and its value; the same lie in `ACME_ACTION`, `ACME_RECORD`, `ACME_VALUE`. When `present`
 * ends with 0 the record must be visible to the CA. Two values may stand under one name at a time.
 *
 * Security: no shell; of the environment only PATH and HOME are passed on, so no secret of the gateway gets there; what it
 * prints goes nowhere, as it may hold credentials.
 *
 * @param command - program and its arguments, absolute path first
 * @param signal - ends it
 * @param timeoutMs - default 5 minutes
 */
export function dnsHook(command: readonly string[], signal: AbortSignal, timeoutMs = TIMEOUT_MS): RunHook {
  const [program = '', ...args] = command;
  return (action, host, value) =>
    new Promise((resolve, reject) => {
      const record = `_acme-challenge.${host}`;
      const env = {
        PATH: process.env.PATH ?? '/usr/bin:/bin',
        HOME: process.env.HOME ?? '/',
        ACME_ACTION: action,
        ACME_RECORD: record,
        ACME_VALUE: value,
      };
      const options = {
        env,
        timeout: timeoutMs,
        killSignal: 'SIGKILL' as const,
        maxBuffer: MAX_OUTPUT,
        // What is to be cleaned up is cleaned up even when the order was given up.
        ...(action === 'present' ? { signal } : {}),
      };
      execFile(program, [...args, action, record, value], options, (error) => {
        if (error === null) resolve();
        else reject(failed(action, error));
      });
    });
}

function failed(
  action: string,
  { code, killed, signal }: { code?: unknown; killed?: boolean; signal?: unknown },
) {
  const why = killed === true ? 'did not end in time' : `ended with ${String(code ?? signal ?? 'an error')}`;
  return new AcmeError({ reason: 'hook', detail: `the hook command ${why} on ${action}` });
}
