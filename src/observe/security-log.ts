import type { Arrived, FailedSignIn, RefusedCertificate } from '../exchange.ts';
import type { Clock } from '../lib/clock.ts';
import { jsonText } from './json-text.ts';
import { LineBudget } from './line-budget.ts';
import type { LogSink } from './log-sink.ts';

/** Longest text of a client that a line carries, characters. */
const LONGEST_TEXT = 256;
/** Handshakes cost a client little: of each entry and reason this many lines are written in a window, and the rest counted. */
const CERTIFICATE_LINES = { lines: 10, windowMs: 10_000 };

export interface SecurityLogOptions {
  readonly destination: Pick<LogSink, 'write'>;
  readonly clock: Clock;
  /** Gives the one spelling of a name, `undefined` for what cannot be one. */
  readonly canonicalName: (raw: string) => string | undefined;
}

export interface SecurityLog {
  /** Takes a sign-in that failed or was turned away unseen. */
  signIn(arrived: Pick<Arrived, 'id' | 'request' | 'client'>, failed: FailedSignIn): void;
  /** Takes a client whose certificate a handshake did not believe. */
  certificate(refused: RefusedCertificate): void;
  /** Writes how many lines were left out so far. */
  close(): void;
}

/**
 * Gives the security log: one JSON line per failed sign-in, for programs that ban addresses, and per client certificate
 * that is not believed, as far as those are not too many.
 *
 * Names, meaning and order of the fields are a promise, written down in docs/security-events.md.
 * Security: what a client chose is escaped and stands behind the address, so that nobody can have another one banned.
 */
export function makeSecurityLog({ destination, clock, canonicalName }: SecurityLogOptions): SecurityLog {
  const start = (event: string): string =>
    `{"time":"${new Date(clock()).toISOString()}","log":"security","event":"${event}"`;
  const budget = new LineBudget(CERTIFICATE_LINES);
  return {
    signIn({ id, request, client }, { outcome, user: claimed, method, reason }) {
      const user = claimed === undefined ? undefined : canonicalName(claimed);
      let line = `${start(`sign-in-${outcome}`)},"address":${jsonText(client.address)}`;
      if (user !== undefined) line += `,"user":${jsonText(user.slice(0, LONGEST_TEXT))}`;
      line += `,"method":${jsonText(method)},"reason":${jsonText(reason)}`;
      line += `,"host":${jsonText(request.host.slice(0, LONGEST_TEXT))},"id":${jsonText(id)}}\n`;
      destination.write(line);
    },
    certificate(refused) {
      const what = `"entries":[${refused.entries.map(jsonText).join()}],"reason":"${refused.reason}"`;
      const onLeftOut = (count: number): void =>
        destination.write(`${start('client-certificates-left-out')},${what},"count":${count}}\n`);
      if (!budget.takes(what, onLeftOut)) return;
      let line = `${start('client-certificate-refused')},"address":${jsonText(refused.address)}`;
      line += `,"mode":"${refused.required ? 'require' : 'optional'}",${what}`;
      if (refused.host !== undefined) line += `,"host":${jsonText(refused.host.slice(0, LONGEST_TEXT))}`;
      if (refused.fingerprint !== undefined) line += `,"fingerprint":${jsonText(refused.fingerprint)}`;
      destination.write(`${line}}\n`);
    },
    close: () => budget.close(),
  };
}
