/** One block between BEGIN and END lines. */
export interface PemBlock {
  /** As in the BEGIN line, e.g. `EC PRIVATE KEY`. */
  readonly label: string;
  /** The block with its BEGIN and END lines. */
  readonly text: string;
}

/** Most bytes that are read of anything that holds certificates or keys. */
export const MAX_BYTES = 1024 * 1024;

const BLOCK = /-----BEGIN ([A-Z0-9 ]{1,64})-----[^-]{0,1048576}-----END \1-----/g;

/** Gives the PEM blocks of a text in their order; text around them is passed over (RFC 7468 §2). */
export function pemBlocks(text: string): readonly PemBlock[] {
  return Array.from(text.matchAll(BLOCK), (match) => ({ label: match[1] ?? '', text: `${match[0]}\n` }));
}
