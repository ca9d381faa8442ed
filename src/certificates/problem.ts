import { GatewayError } from '../errors.ts';

/** Stable words for what is wrong with a certificate or its key. */
export type ProblemWord =
  | 'too-large'
  | 'no-certificate'
  | 'certificate-unreadable'
  | 'too-many-certificates'
  | 'no-key'
  | 'key-unreadable'
  | 'several-keys'
  | 'passphrase-missing'
  | 'passphrase-wrong'
  | 'passphrase-cost'
  | 'pkcs12-unreadable'
  | 'key-mismatch'
  | 'key-type'
  | 'key-weak'
  | 'leaf-is-ca'
  | 'usage'
  | 'key-usage'
  | 'critical-unknown'
  | 'must-staple'
  | 'no-names'
  | 'names-unusable'
  | 'names-uncovered'
  | 'wildcard-wide'
  | 'expired'
  | 'not-yet-valid'
  | 'signature-weak'
  | 'signature-wrong'
  | 'chain-order'
  | 'chain-double'
  | 'chain-missing'
  | 'chain-stranger'
  | 'chain-not-ca'
  | 'chain-key-usage'
  | 'chain-path-length'
  | 'chain-names'
  | 'self-signed'
  | 'expires-soon'
  | 'name-taken'
  | 'pair-taken'
  | 'preset-conflict'
  | 'certificate-name'
  | 'configured'
  | 'in-use'
  | 'file-unreadable'
  | 'unusable';

/** One thing that is wrong: a word for programs and a sentence, with the way to mend it, for people. */
export interface Problem {
  readonly word: ProblemWord;
  /** Security: holds names and dates of certificates, never a byte of a key or a passphrase. */
  readonly text: string;
}

/**
 * What does not keep a pair from being served when there is no better one: after a restart an expired certificate that some
 * client still takes is better than none.
 */
const TOLERATED: ReadonlySet<ProblemWord> = new Set(['expired', 'not-yet-valid', 'names-uncovered']);

/** Gives a problem. */
export function problem(word: ProblemWord, text: string): Problem {
  return { word, text };
}

/** Gives problems as the public list of an error: `word: sentence`. */
export function sentences(problems: readonly Problem[]): readonly string[] {
  return problems.map(({ word, text }) => `${word}: ${text}`);
}

/** Parts what keeps a pair from being served from what is only to be told. */
export function weigh(problems: readonly Problem[]): {
  readonly fatal: readonly Problem[];
  readonly told: readonly Problem[];
} {
  const fatal = problems.filter(({ word }) => !TOLERATED.has(word));
  return { fatal, told: problems.filter(({ word }) => TOLERATED.has(word)) };
}

/** Gives the error that names every problem of an upload. */
export function invalid(problems: readonly Problem[]): GatewayError {
  const words = problems.map(({ word }) => word);
  return new GatewayError('SP_CERTIFICATE_INVALID', {
    detail: words.join(', '),
    reason: words[0] ?? 'unusable',
    problems: sentences(problems),
  });
}
