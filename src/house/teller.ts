import { Teller } from '../certificates/webhook/teller.ts';
import type { Config } from '../config/config.ts';
import { makeWebhook } from '../observe/webhook.ts';
import type { CertificateCellar } from './certificates.ts';
import type { Foundation } from './foundation.ts';

/** What runs; asked anew each time, since a reload changes it. */
export interface Running {
  readonly config: () => Config;
  readonly cellar: () => CertificateCellar;
}

/** Gives who tells the receiver of the webhook, if there is one, of the certificates that run; it outlives generations and is not started. */
export function makeTeller({ store, clock, logger, metrics }: Foundation, running: Running): Teller {
  return new Teller({
    store,
    clock,
    logger,
    outlook() {
      const { webhook } = running.config().observe;
      if (webhook === undefined) return undefined;
      const { keeper, acme } = running.cellar();
      return {
        certificates: keeper.list(),
        failures: acme.failures(),
        expiryMs: webhook.expiryMs,
        receiver: makeWebhook(webhook, { clock }),
      };
    },
    onOutcome: (outcome) => metrics.webhookNotice(outcome),
  });
}
