/** One block between BEGIN and END lines. */
export interface PemBlock {
  /** As in the BEGIN line, e.g. `EC PRIVATE KEY`. */
  readonly label: string;
  /** What stands between the BEGIN and END lines. */
  readonly body: string;
  /** The block with its BEGIN and END lines. */
  readonly text: string;
}

/** Most bytes that are read of anything that holds certificates or keys. */
export const MAX_BYTES = 1024 * 1024;

const FENCE = '-----';
const CERTIFICATE_LABELS = new Set(['CERTIFICATE', 'X509 CERTIFICATE', 'TRUSTED CERTIFICATE']);
const BEGIN = /^BEGIN ([A-Z0-9 ]{1,64})$/;

/**
 * Gives the PEM blocks of a text in their order; text around them is passed over (RFC 7468 §2). One pass: whatever stands
 * between two fences is looked at once.
 */
export function pemBlocks(text: string): readonly PemBlock[] {
  const parts = text.split(FENCE);
  const blocks: PemBlock[] = [];
  for (let at = 1; at + 2 < parts.length; at++) {
    const label = BEGIN.exec(parts[at] ?? '')?.[1];
    if (label === undefined || parts[at + 2] !== `END ${label}`) continue;
    blocks.push({
      label,
      body: parts[at + 1] ?? '',
      text: ['', ...parts.slice(at, at + 3), '\n'].join(FENCE),
    });
    at += 2;
  }
  return blocks;
}

/** Whether a block holds a private key of whatever kind. */
export function isKey({ label }: PemBlock): boolean {
  return label.endsWith('PRIVATE KEY');
}

/** Whether a block holds an X.509 certificate. */
export function isCertificate({ label }: PemBlock): boolean {
  return CERTIFICATE_LABELS.has(label);
}
