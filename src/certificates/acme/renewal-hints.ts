import type { CertificatePair } from '../certificate.ts';
import { asAcmeError } from './acme-error.ts';
import { type AcmeSource, askRenewalHint, type IssueParts } from './issue.ts';
import type { RenewalHint } from './renewal-hint.ts';

const ASK_MS = 60_000;
const HOUR_MS = 3600_000;
const DAY_MS = 24 * HOUR_MS;
/** Until a CA that gives no hints is asked again. */
const SILENT_MS = 6 * HOUR_MS;

interface Known extends Partial<RenewalHint> {
  /** Id of the pair. */
  readonly of: string;
  readonly askAgainAtMs: number;
}

/** What the CA said last about the pair of one certificate (RFC 9773). */
export class RenewalHints {
  readonly #parts: Pick<IssueParts, 'clock' | 'logger'>;
  readonly #kept: { readonly name: string; readonly source: AcmeSource };
  #known: Known | undefined;

  constructor(
    parts: Pick<IssueParts, 'clock' | 'logger'>,
    kept: { readonly name: string; readonly source: AcmeSource },
  ) {
    this.#parts = parts;
    this.#kept = kept;
  }

  /** Gives when the CA wants a pair to be renewed; `undefined` when it does not say. */
  renewAtMs(pair: CertificatePair | undefined): number | undefined {
    return this.#of(pair)?.renewAtMs;
  }

  /** Gives when the CA is to be asked again about a pair; infinite for one that it was not asked about. */
  askAgainAtMs(pair: CertificatePair | undefined): number {
    return this.#of(pair)?.askAgainAtMs ?? Number.POSITIVE_INFINITY;
  }

  /** Asks about a pair, unless it is too soon. Never rejects; what was known is kept when there is no answer. */
  async ask(pair: CertificatePair, stop: AbortSignal): Promise<void> {
    const { clock, logger } = this.#parts;
    const { name, source } = this.#kept;
    const known = this.#of(pair);
    if (known !== undefined && known.askAgainAtMs > clock()) return;
    const signal = AbortSignal.any([stop, AbortSignal.timeout(ASK_MS)]);
    try {
      const hint = await askRenewalHint(this.#parts, source, pair.certificate, signal);
      this.#known = { askAgainAtMs: clock() + SILENT_MS, ...hint, of: pair.id };
    } catch (error) {
      const { reason, detail, retryAfterMs = 0 } = asAcmeError(error);
      logger.debug({ certificate: name, reason, detail }, 'the CA gave no renewal hint');
      const askAgainAtMs = clock() + Math.min(DAY_MS, Math.max(HOUR_MS, retryAfterMs));
      this.#known = { ...known, of: pair.id, askAgainAtMs };
    }
  }

  #of(pair: CertificatePair | undefined): Known | undefined {
    return this.#known?.of === pair?.id ? this.#known : undefined;
  }
}
