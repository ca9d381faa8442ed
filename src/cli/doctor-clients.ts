import { type ClientEntry, loadClientEntry } from '../certificates/client-entry.ts';
import { clientEnds, clientOutlook } from '../certificates/client-outlook.ts';
import type { Config } from '../config/config.ts';
import type { Clock } from '../lib/clock.ts';
import { dayOf } from '../lib/day-of.ts';
import { type Finding, finding } from './diagnosis.ts';

const CHECK = 'clients';

/** Tells which authorities and revocation lists of clients turn them away, or soon will. */
export async function examineClients({ authenticate }: Config, clock: Clock): Promise<Finding[]> {
  const findings: Finding[] = [];
  for (const config of authenticate.certificate) {
    try {
      findings.push(...examineEntry(await loadClientEntry(config), clock()));
    } catch (error) {
      const why = error instanceof Error ? error.message : 'unreadable';
      findings.push(finding('fail', CHECK, `client certificates ${config.name}: ${why}`));
    }
  }
  return findings;
}

function examineEntry(entry: ClientEntry, nowMs: number): Finding[] {
  const concerns = clientOutlook(entry, nowMs);
  if (concerns.length > 0) return concerns.map(({ verdict, text }) => finding(verdict, CHECK, text));
  const { caEndsMs, crlEndsMs } = clientEnds(entry);
  const lists = crlEndsMs === undefined ? '' : `, revocation lists until ${dayOf(crlEndsMs)}`;
  const text = `client certificates ${entry.config.name}: authorities until ${dayOf(caEndsMs)}${lists}`;
  return [finding('ok', CHECK, text)];
}
