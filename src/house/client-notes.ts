import type { ClientDemands } from '../certificates/client-demands.ts';
import { clientEnds, clientOutlook } from '../certificates/client-outlook.ts';
import type { EntryEnds } from '../observe/client-metrics.ts';

/** Says which authorities and revocation lists of clients turn them away, or soon will. */
export function clientNotes({ entries }: ClientDemands, nowMs: number): readonly string[] {
  return entries.flatMap((entry) => clientOutlook(entry, nowMs)).map(({ text }) => text);
}

/** Gives until when the files of each entry hold, for the metrics. */
export function entryEnds({ entries }: ClientDemands): readonly EntryEnds[] {
  return entries.map((entry) => {
    const { caEndsMs, crlEndsMs } = clientEnds(entry);
    return {
      name: entry.config.name,
      caEndsSec: Math.floor(caEndsMs / 1000),
      crlNextUpdateSec: crlEndsMs === undefined ? undefined : Math.floor(crlEndsMs / 1000),
    };
  });
}
