import { codewordsOf } from './qr-codewords.ts';

/** Modules of a QR code: rows of dark (true) and light ones, without the quiet zone. */
export type Matrix = readonly (readonly boolean[])[];

const MASKS: readonly ((x: number, y: number) => boolean)[] = [
  (x, y) => (x + y) % 2 === 0,
  (_, y) => y % 2 === 0,
  (x) => x % 3 === 0,
  (x, y) => (x + y) % 3 === 0,
  (x, y) => (Math.floor(x / 3) + Math.floor(y / 2)) % 2 === 0,
  (x, y) => ((x * y) % 2) + ((x * y) % 3) === 0,
  (x, y) => (((x * y) % 2) + ((x * y) % 3)) % 2 === 0,
  (x, y) => (((x + y) % 2) + ((x * y) % 3)) % 2 === 0,
];

/**
 * Gives the QR code of a text, level L; `undefined` when it is longer than some 850 bytes.
 *
 * @see ISO/IEC 18004:2015 §6, §7
 */
export function qrMatrix(text: string): Matrix | undefined {
  const found = codewordsOf(text);
  if (found === undefined) return undefined;
  const { version, words } = found;
  const drawn = MASKS.map((_, mask) => {
    const grid = new Grid(version);
    grid.drawPatterns(mask);
    grid.drawWords(words, mask);
    return grid.rows;
  });
  return drawn.reduce((best, other) => (penaltyOf(other) < penaltyOf(best) ? other : best));
}

class Grid {
  readonly rows: boolean[][];
  readonly #fixed: boolean[][];
  readonly #version: number;
  readonly #size: number;

  constructor(version: number) {
    this.#version = version;
    this.#size = 17 + 4 * version;
    this.rows = Array.from({ length: this.#size }, () => new Array<boolean>(this.#size).fill(false));
    this.#fixed = this.rows.map((row) => [...row]);
  }

  drawPatterns(mask: number): void {
    const last = this.#size - 1;
    for (let i = 0; i < this.#size; i++) {
      this.#set(6, i, i % 2 === 0);
      this.#set(i, 6, i % 2 === 0);
    }
    for (const [x, y] of [
      [3, 3],
      [last - 3, 3],
      [3, last - 3],
    ] as const) {
      this.#drawFinder(x, y);
    }
    this.#drawAlignments();
    this.#drawFormat(mask);
    if (this.#version >= 7) this.#drawVersion();
  }

  /** Words go up and down in columns two modules wide, from the lower right; column 6 belongs to the timing pattern. */
  drawWords(words: Uint8Array, mask: number): void {
    const isMasked = MASKS[mask] ?? (() => false);
    let bit = 0;
    let isUpward = true;
    for (let right = this.#size - 1; right > 0; right -= 2) {
      if (right === 6) right = 5;
      for (let step = 0; step < this.#size; step++) {
        const y = isUpward ? this.#size - 1 - step : step;
        for (const x of [right, right - 1]) {
          if (this.#fixed[y]?.[x] === true) continue;
          const isDark = (((words[bit >> 3] ?? 0) >> (7 - (bit & 7))) & 1) === 1;
          bit++;
          this.#put(x, y, isDark !== isMasked(x, y));
        }
      }
      isUpward = !isUpward;
    }
  }

  #drawFinder(centerX: number, centerY: number): void {
    for (let dy = -4; dy <= 4; dy++) {
      for (let dx = -4; dx <= 4; dx++) {
        const ring = Math.max(Math.abs(dx), Math.abs(dy));
        this.#set(centerX + dx, centerY + dy, ring !== 2 && ring !== 4);
      }
    }
  }

  #drawAlignments(): void {
    const places = alignmentPlaces(this.#version);
    const last = places.length - 1;
    places.forEach((y, row) => {
      places.forEach((x, column) => {
        const isCorner = (row === 0 && (column === 0 || column === last)) || (row === last && column === 0);
        if (isCorner) return;
        for (let dy = -2; dy <= 2; dy++) {
          for (let dx = -2; dx <= 2; dx++)
            this.#set(x + dx, y + dy, Math.max(Math.abs(dx), Math.abs(dy)) !== 1);
        }
      });
    });
  }

  #drawFormat(mask: number): void {
    const bits = withChecks((1 << 3) | mask, 10, 0x537) ^ 0x5412;
    const bit = (i: number): boolean => ((bits >> i) & 1) === 1;
    const last = this.#size - 1;
    for (let i = 0; i < 15; i++) {
      // Around the upper left finder; the timing pattern is stepped over.
      if (i < 8) this.#set(8, i < 6 ? i : i + 1, bit(i));
      else this.#set(i === 8 ? 7 : 14 - i, 8, bit(i));
      // A second time beside the two others.
      if (i < 8) this.#set(last - i, 8, bit(i));
      else this.#set(8, last - 14 + i, bit(i));
    }
    this.#set(8, last - 7, true);
  }

  #drawVersion(): void {
    const bits = withChecks(this.#version, 12, 0x1f25);
    for (let i = 0; i < 18; i++) {
      const isDark = ((bits >> i) & 1) === 1;
      const far = this.#size - 11 + (i % 3);
      const near = Math.floor(i / 3);
      this.#set(far, near, isDark);
      this.#set(near, far, isDark);
    }
  }

  #set(x: number, y: number, isDark: boolean): void {
    const fixed = this.#fixed[y];
    if (fixed?.[x] === undefined) return;
    fixed[x] = true;
    this.#put(x, y, isDark);
  }

  #put(x: number, y: number, isDark: boolean): void {
    const row = this.rows[y];
    if (row !== undefined) row[x] = isDark;
  }
}

/** Gives the value with the remainder of its BCH code behind it. */
function withChecks(value: number, count: number, polynomial: number): number {
  let rest = value;
  for (let i = 0; i < count; i++) rest = (rest << 1) ^ ((rest >> (count - 1)) * polynomial);
  return (value << count) | rest;
}

function alignmentPlaces(version: number): readonly number[] {
  if (version === 1) return [];
  const count = Math.floor(version / 7) + 2;
  const last = 17 + 4 * version - 7;
  const step = Math.ceil((last - 6) / (count - 1) / 2) * 2;
  return [6, ...Array.from({ length: count - 1 }, (_, i) => last - step * (count - 2 - i))];
}

function penaltyOf(rows: Matrix): number {
  const columns = rows.map((_, x) => rows.map((row) => row[x] === true));
  let penalty = 0;
  for (const line of [...rows, ...columns]) penalty += linePenalty(line);
  for (let y = 1; y < rows.length; y++) {
    for (let x = 1; x < rows.length; x++) {
      const here = rows[y]?.[x];
      const isBlock = here === rows[y]?.[x - 1] && here === rows[y - 1]?.[x] && here === rows[y - 1]?.[x - 1];
      if (isBlock) penalty += 3;
    }
  }
  const dark = rows.flat().filter(Boolean).length;
  return penalty + Math.floor(Math.abs((dark * 20) / rows.length ** 2 - 10)) * 10;
}

function linePenalty(line: readonly boolean[]): number {
  const text = line.map((isDark) => (isDark ? '1' : '0')).join('');
  let penalty = 0;
  for (const [run] of text.matchAll(/0{5,}|1{5,}/g)) penalty += run.length - 2;
  const looksLikeFinder = text.match(/(?=10111010000|00001011101)/g)?.length ?? 0;
  return penalty + looksLikeFinder * 40;
}
