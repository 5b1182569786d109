/**
 * Contents as another build of the same thing would have them: for the long series of nights, where no archive has that many real versions.
 */

/** Numbers that look random and are the same in each run (mulberry32). */
export const createRandom = (seed: number): (() => number) => {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let t = Math.imul(state ^ (state >>> 15), 1 | state);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32;
  };
};

/**
 * Bytes between two changed addresses, on average. Chosen so that a delta (zstd -3 with the version before as dictionary, file by file) is as large a part of the
 * compressed file as between the real versions of the workload: 0.17 in userland, 0.26 in kernel modules.
 */
export const MEAN_GAP_BYTES = { userland: 68, kernel: 48 } as const;
/** Bytes between two places where code was added, on average. */
const MEAN_SPLICE_GAP_BYTES = 20_000;
const WORD = 4;

const gap = (random: () => number, mean: number): number => Math.ceil(-Math.log(1 - random()) * mean);

/** Compressed already (a kernel image, an archive): another build has nothing in common with it. */
const isCompressed = (content: Buffer): boolean => {
  const sample = content.subarray(content.length >> 1, (content.length >> 1) + 4096);
  return sample.length === 4096 && new Set(sample).size >= 255;
};

const scramble = (content: Buffer, random: () => number): Buffer => {
  const changed = Buffer.from(content);
  for (let at = 0; at + WORD <= changed.length; at += WORD) {
    changed.writeUInt32LE((changed.readUInt32LE(at) ^ (random() * 2 ** 32)) >>> 0, at);
  }
  return changed;
};

/** Adds some bytes here and there, which moves all that follows. */
const splice = (content: Buffer, random: () => number): Buffer => {
  const parts: Buffer[] = [];
  let from = 0;
  for (let at = gap(random, MEAN_SPLICE_GAP_BYTES); at < content.length; at += gap(random, MEAN_SPLICE_GAP_BYTES)) {
    parts.push(content.subarray(from, at));
    parts.push(Buffer.from(Array.from({ length: 8 + Math.floor(random() * 120) }, () => Math.floor(random() * 256))));
    from = at;
  }
  parts.push(content.subarray(from));
  return Buffer.concat(parts);
};

/** Addresses stand where they stand in every build, and each build has others. */
const readdress = (content: Buffer, seed: number, meanGapBytes: number): Buffer => {
  const changed = Buffer.from(content);
  const [places, values] = [createRandom(content.length), createRandom(seed)];
  for (let at = gap(places, meanGapBytes); at + WORD <= changed.length; at += WORD + gap(places, meanGapBytes)) {
    // Addresses move by little: the low bytes change.
    changed.writeUInt16LE((changed.readUInt16LE(at) + 1 + Math.floor(values() * 65_534)) & 0xffff, at);
  }
  return changed;
};

/**
 * A content after some builds: addresses changed all over, what each build added, and the rest as it was. Compressed contents change as a whole. It is made from
 * the first build, because changes upon changes would make noise of it, which no compiler does.
 *
 * @param first the content of the first build
 * @param seeds one for each build since; another one gives another build
 * @param meanGapBytes see {@link MEAN_GAP_BYTES}
 */
export const rebuild = (first: Buffer, seeds: readonly number[], meanGapBytes: number): Buffer => {
  const newest = seeds.at(-1);
  if (newest === undefined) return first;
  if (isCompressed(first)) return scramble(first, createRandom(newest));
  return seeds.reduce((content, seed) => splice(content, createRandom(seed)), readdress(first, newest, meanGapBytes));
};
