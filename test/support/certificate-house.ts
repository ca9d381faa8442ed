import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Shown } from './client-pki.ts';
import { type EchoUpstream, startEchoUpstream } from './echo-upstream.ts';
import { startTestGateway, type TestGateway } from './gateway.ts';
import { type Ask, allWalks, type Told, type Walk } from './walks.ts';

/** A gateway in front of an upstream that gives back what it got, and a folder for authorities of clients. */
export interface CertificateHouse {
  readonly house: TestGateway;
  readonly upstream: EchoUpstream;
  readonly folder: string;
  /** Writes a file of the folder. */
  write(name: string, text: string): void;
  /** Asks once over every way in, each on a connection of its own; status 0 where there is none. */
  ask(shown: Shown | undefined, ask: Ask & { readonly host: string }): Promise<readonly Answer[]>;
  /** Gives every way in, connected when it is first used. */
  walks(shown: Shown | undefined, serverName: string): readonly Walk[];
  close(): Promise<void>;
}

export interface Answer extends Told {
  readonly walk: Walk['name'];
}

/**
 * Starts both, with an account `alice`.
 *
 * @param yaml - gives the configuration for the path of a file and the URL of the upstream
 */
export async function openCertificateHouse(
  files: Readonly<Record<string, string>>,
  yaml: (file: (name: string) => string, upstream: string) => string,
): Promise<CertificateHouse> {
  const folder = mkdtempSync(join(tmpdir(), 'sallyport-route-certificates-'));
  const file = (name: string): string => join(folder, name);
  const write = (name: string, text: string): void => writeFileSync(file(name), text);
  for (const [name, text] of Object.entries(files)) write(name, text);
  const upstream = await startEchoUpstream();
  const house = await startTestGateway({ yaml: yaml(file, upstream.url) });
  await house.call('PUT', '/v1/users/alice', { password: 'correct horse', groups: ['people'] });
  const walks = (shown: Shown | undefined, serverName: string): readonly Walk[] =>
    allWalks({ port: house.port, ca: house.ca, serverName, ...(shown && { client: shown }) });
  return {
    house,
    upstream,
    folder,
    write,
    walks,
    async ask(shown, ask) {
      const answers: Answer[] = [];
      for (const walk of walks(shown, ask.host)) {
        const told = await walk.ask(ask).catch((): Told => ({ status: 0, text: '', echo: undefined }));
        answers.push({ ...told, walk: walk.name });
        walk.close();
      }
      return answers;
    },
    async close() {
      await house.close();
      await upstream.close();
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

/** Gives the status that all ways in agree on, `101` of a WebSocket counted as `200`; otherwise all of them, as text. */
export function oneStatus(answers: readonly Answer[]): number | string {
  const found = new Set(answers.map(({ status }) => (status === 101 ? 200 : status)));
  const [first] = found;
  if (found.size === 1 && first !== undefined) return first;
  return answers.map(({ walk, status }) => `${walk}: ${status}`).join(', ');
}

/** Gives the code of a refusal, the same on all ways in. */
export function oneCode(answers: readonly Answer[]): string {
  const codes = answers.map(({ text }) => /"code":"([A-Z_]+)"/.exec(text)?.[1] ?? 'none');
  return [...new Set(codes)].join(' ');
}
