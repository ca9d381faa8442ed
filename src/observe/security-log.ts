import type { Arrived, FailedSignIn } from '../exchange.ts';
import type { Clock } from '../lib/clock.ts';
import { jsonText } from './json-text.ts';
import type { LogSink } from './log-sink.ts';

/** Longest text of a client that a line carries, characters. */
const LONGEST_TEXT = 256;

export interface SecurityLogOptions {
  readonly destination: Pick<LogSink, 'write'>;
  readonly clock: Clock;
  /** Gives the one spelling of a name, `undefined` for what cannot be one. */
  readonly canonicalName: (raw: string) => string | undefined;
}

export interface SecurityLog {
  /** Takes a sign-in that failed or was turned away unseen. */
  signIn(arrived: Pick<Arrived, 'id' | 'request' | 'client'>, failed: FailedSignIn): void;
}

/**
 * Gives the security log: one JSON line per failed sign-in, for programs that ban addresses.
 *
 * Names, meaning and order of the fields are a promise, written down in docs/security-events.md.
 * Security: what a client chose is escaped and stands behind the address, so that nobody can have another one banned.
 */
export function makeSecurityLog({ destination, clock, canonicalName }: SecurityLogOptions): SecurityLog {
  return {
    signIn({ id, request, client }, { outcome, user: claimed, method, reason }) {
      const user = claimed === undefined ? undefined : canonicalName(claimed);
      const time = new Date(clock()).toISOString();
      let line = `{"time":"${time}","log":"security","event":"sign-in-${outcome}","address":${jsonText(client.address)}`;
      if (user !== undefined) line += `,"user":${jsonText(user.slice(0, LONGEST_TEXT))}`;
      line += `,"method":${jsonText(method)},"reason":${jsonText(reason)}`;
      line += `,"host":${jsonText(request.host.slice(0, LONGEST_TEXT))},"id":${jsonText(id)}}\n`;
      destination.write(line);
    },
  };
}
