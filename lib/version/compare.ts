import { channels, type Version } from './types.ts';

const compareText = (a: string, b: string): number => (a === b ? 0 : a < b ? -1 : 1);

const compareDigits = (a: string, b: string): number => {
  const difference = BigInt(a) - BigInt(b);
  return difference === 0n ? 0 : difference < 0n ? -1 : 1;
};

/** Digit runs as numbers, the rest as text: `nightly2` comes before `nightly10`. */
const compareSuffix = (a: string, b: string): number => {
  // A version without a suffix is the release that the ones with a suffix led to.
  if (a === '' || b === '') return Number(a === '') - Number(b === '');
  const left = a.split(/(\d+)/);
  const right = b.split(/(\d+)/);
  for (const [at, word] of left.entries()) {
    const other = right[at];
    if (other === undefined) return 1;
    // Splitting with a group puts the digit runs at the odd places.
    const order = at % 2 === 1 ? compareDigits(word, other) : compareText(word, other);
    if (order !== 0) return order;
  }
  return left.length - right.length;
};

/**
 * Orders versions from the oldest to the newest: numbers, then suffix (none comes last, digits count as numbers), then channel from
 * `main` to `lts`. Zero only for equal tags.
 */
export const compareVersions = (a: Version, b: Version): number =>
  a.major - b.major ||
  a.minor - b.minor ||
  a.patch - b.patch ||
  compareSuffix(a.suffix, b.suffix) ||
  channels.indexOf(a.channel) - channels.indexOf(b.channel) ||
  compareText(a.text, b.text);
