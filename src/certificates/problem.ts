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

/** Gives a problem. */
export function problem(word: ProblemWord, text: string): Problem {
  return { word, text };
}

/** Gives problems as the public list of an error: `word: sentence`. */
export function sentences(problems: readonly Problem[]): readonly string[] {
  return problems.map(({ word, text }) => `${word}: ${text}`);
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
