import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { TestContext } from 'node:test';
import type { FailedOrder } from '../../../../src/certificates/acme/renewal.ts';
import type { CertificateView } from '../../../../src/certificates/certificate-view.ts';
import { Teller } from '../../../../src/certificates/webhook/teller.ts';
import { Secret } from '../../../../src/lib/secret.ts';
import { makeWebhook } from '../../../../src/observe/webhook.ts';
import type { Store } from '../../../../src/state/store.ts';
import { type Cellar, listeningLogger, openCellar } from '../../../support/cellar.ts';
import { type Receiver, startReceiver } from '../../../support/receiver.ts';

export const DAY_MS = 86_400_000;
export const MINUTE_MS = 60_000;
/** When the certificates of these tests end: 60 days after the cellar's clock begins. */
export const END_MS = 1_800_000_000_000 + 60 * DAY_MS;

/** Gives a certificate from a file with a life of 90 days. */
export function view(more: Partial<CertificateView> = {}): CertificateView {
  return {
    name: 'site',
    names: ['a.test', 'b.test'],
    notBefore: new Date(END_MS - 90 * DAY_MS).toISOString(),
    notAfter: new Date(END_MS).toISOString(),
    fingerprint256: Array(32).fill('AB').join(':'),
    keyType: 'ECDSA P-256',
    source: 'files',
    ...more,
  };
}

/** A receiver and processes on one state, with a clock that the test moves. */
export interface TellerHouse {
  readonly cellar: Cellar;
  readonly receiver: Receiver;
  /** What is served, on every process. */
  certificates: CertificateView[];
  failures: FailedOrder[];
  /** Where it is told; the path holds a canary. */
  url: string;
  /** `undefined`: there is no webhook. */
  expiryMs: number[] | undefined;
  readonly outcomes: string[];
  /** Everything that was logged by any process. */
  readonly lines: string[];
  /** Gives a process; it is closed with the test. */
  process(store?: Store, lookMs?: number): Teller;
  /** Moves the clock to a time before the end, milliseconds. */
  leave(leftMs: number): void;
}

/** Opens an empty house. */
export async function openTellerHouse(t: TestContext): Promise<TellerHouse> {
  const cellar = openCellar(t);
  const receiver = await startReceiver(t);
  const trust = join(cellar.folder, 'ca.pem');
  writeFileSync(trust, receiver.ca);
  const logger = listeningLogger();
  const secret = new Secret('a secret-canary of the test');
  const house: TellerHouse = {
    cellar,
    receiver,
    certificates: [view()],
    failures: [],
    url: `${receiver.origin}/hooks/path-canary?token=query-canary`,
    expiryMs: [30 * DAY_MS, 7 * DAY_MS, DAY_MS],
    outcomes: [],
    lines: logger.lines,
    process(store = cellar.store, lookMs = 3600_000) {
      const teller = new Teller({
        store,
        clock: cellar.clock,
        logger,
        outlook() {
          const { certificates, failures, expiryMs, url } = house;
          if (expiryMs === undefined) return undefined;
          const config = { url: new Secret(url), secret, trust, expiryMs };
          return {
            certificates,
            failures,
            expiryMs,
            receiver: makeWebhook(config, { clock: cellar.clock, timeoutMs: 2_000 }),
          };
        },
        onOutcome: (outcome) => house.outcomes.push(outcome),
        lookMs,
      });
      t.after(() => teller.close());
      return teller;
    },
    leave: (leftMs) => cellar.advance(END_MS - leftMs - cellar.clock()),
  };
  return house;
}

/** Gives the ids that a receiver was told, without the fingerprints. */
export function toldIds({ receiver }: TellerHouse): readonly string[] {
  return receiver.bodies().map(({ id }) => String(id).replace(/\/[0-9a-f]{64}/, ''));
}
