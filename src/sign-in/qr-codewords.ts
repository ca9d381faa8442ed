/** Check words per block, and blocks, for error correction level L of versions 1 to 20 (ISO/IEC 18004:2015, table 9). */
const CHECK_WORDS = [7, 10, 15, 20, 26, 18, 20, 24, 30, 18, 20, 24, 26, 30, 22, 24, 28, 30, 28, 28];
const BLOCKS = [1, 1, 1, 1, 1, 2, 2, 2, 2, 4, 4, 4, 4, 4, 6, 6, 6, 6, 7, 8];

/** Largest version that is made. */
export const MAX_VERSION = CHECK_WORDS.length;

/** Codewords of a text, in the order in which they are drawn. */
export interface Codewords {
  readonly version: number;
  readonly words: Uint8Array;
}

/**
 * Gives the codewords of a text in byte mode, level L, in the smallest version that holds it.
 *
 * @returns `undefined` when it is too long
 * @see ISO/IEC 18004:2015 §7.4 to §7.6
 */
export function codewordsOf(text: string): Codewords | undefined {
  const bytes = Buffer.from(text);
  for (let version = 1; version <= MAX_VERSION; version++) {
    const { checkWords, blocks, total } = shapeOf(version);
    const room = total - checkWords * blocks;
    const lengthBytes = version < 10 ? 1 : 2;
    // Four bits of mode go before the length, so that everything behind is shifted by half a byte.
    if (bytes.length + lengthBytes + 1 <= room) {
      const plain = plainWords(bytes, lengthBytes, room);
      return { version, words: interleave(plain, version) };
    }
  }
  return undefined;
}

function shapeOf(version: number): {
  readonly checkWords: number;
  readonly blocks: number;
  readonly total: number;
} {
  return {
    checkWords: CHECK_WORDS[version - 1] ?? 0,
    blocks: BLOCKS[version - 1] ?? 1,
    total: Math.floor(freeModules(version) / 8),
  };
}

/** Modules that are left when every pattern is drawn. */
function freeModules(version: number): number {
  const size = 17 + 4 * version;
  const rows = version === 1 ? 0 : Math.floor(version / 7) + 2;
  const alignment = rows === 0 ? 0 : 25 * (rows * rows - 3) - 10 * (rows - 2);
  return size * size - 3 * 64 - 2 * (size - 16) - 31 - alignment - (version >= 7 ? 36 : 0);
}

function plainWords(bytes: Uint8Array, lengthBytes: number, room: number): Uint8Array {
  const halves = [4];
  for (let shift = lengthBytes * 8 - 4; shift >= 0; shift -= 4) halves.push((bytes.length >> shift) & 15);
  for (const byte of bytes) halves.push(byte >> 4, byte & 15);
  halves.push(0);
  const words = new Uint8Array(room);
  for (let i = 0; i < room; i++) {
    const isFilled = i * 2 < halves.length;
    const padding = (i - Math.ceil(halves.length / 2)) % 2 === 0 ? 0xec : 0x11;
    words[i] = isFilled ? ((halves[i * 2] ?? 0) << 4) | (halves[i * 2 + 1] ?? 0) : padding;
  }
  return words;
}

function interleave(plain: Uint8Array, version: number): Uint8Array {
  const { checkWords, blocks, total } = shapeOf(version);
  const short = Math.floor(plain.length / blocks);
  const longFrom = blocks - (plain.length % blocks);
  const parts: { readonly words: Uint8Array; readonly checks: Uint8Array }[] = [];
  let at = 0;
  for (let block = 0; block < blocks; block++) {
    const words = plain.subarray(at, at + short + (block >= longFrom ? 1 : 0));
    at += words.length;
    parts.push({ words, checks: checksOf(words, checkWords) });
  }
  const out: number[] = [];
  for (let i = 0; i <= short; i++)
    for (const { words } of parts) if (i < words.length) out.push(words[i] ?? 0);
  for (let i = 0; i < checkWords; i++) for (const { checks } of parts) out.push(checks[i] ?? 0);
  return Uint8Array.from(out.slice(0, total));
}

/** Gives the Reed-Solomon check words over GF(256) with the polynomial 0x11d. */
function checksOf(words: Uint8Array, count: number): Uint8Array {
  const generator = generatorOf(count);
  const rest = new Uint8Array(count);
  for (const word of words) {
    const factor = word ^ (rest[0] ?? 0);
    rest.copyWithin(0, 1);
    rest[count - 1] = 0;
    for (let i = 0; i < count; i++) rest[i] = (rest[i] ?? 0) ^ multiply(generator[i] ?? 0, factor);
  }
  return rest;
}

function generatorOf(degree: number): Uint8Array {
  let polynomial = Uint8Array.of(1);
  let root = 1;
  for (let i = 0; i < degree; i++) {
    const next = new Uint8Array(polynomial.length + 1);
    polynomial.forEach((coefficient, at) => {
      next[at] = (next[at] ?? 0) ^ coefficient;
      next[at + 1] = multiply(coefficient, root);
    });
    polynomial = next;
    root = multiply(root, 2);
  }
  return polynomial.subarray(1);
}

function multiply(a: number, b: number): number {
  let product = 0;
  for (let bit = 7; bit >= 0; bit--) {
    product = (product << 1) ^ ((product >> 7) * 0x11d);
    if (((b >> bit) & 1) === 1) product ^= a;
  }
  return product;
}
