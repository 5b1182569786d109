import * as v from 'valibot';
import { type CacheFigures, checkFigures, readFiguresFile } from './parameters.ts';

const bytes = v.object({ contentBytes: v.number(), indexBytes: v.number() });
const published = v.object({ image: v.string(), stored: bytes });
const night = v.array(published);

/** The parts of the benchmark's record that count here. */
const recordSchema = v.object({
  bench: v.literal('cache'),
  ways: v.record(
    v.string(),
    v.object({
      nights: v.object({ first: night, touched: night, userland: night, kernel: night }),
      fetches: v.object({ 'built yesterday': v.object({ served: bytes }) }),
    }),
  ),
});

const sum = (values: readonly number[]): number => values.reduce((total, value) => total + value, 0);
type Bytes = v.InferOutput<typeof bytes>;
const allOf = ({ contentBytes, indexBytes }: Bytes): number => contentBytes + indexBytes;
const storedOf = (images: v.InferOutput<typeof night>): number => sum(images.map(({ stored }) => allOf(stored)));
const rounded = (value: number): number => Number(value.toFixed(4));

/** Figures from a record of `npm run bench -- cache`, which has the plain way and the deduplicated one. */
const figuresOfRecord = (record: v.InferOutput<typeof recordSchema>): unknown => {
  const { plain, 'slipway-dedup': dedup } = record.ways;
  if (!plain || !dedup) return {};
  const imageOf = (word: string): number => storedOf(plain.nights.first.filter(({ image }) => image.endsWith(word)));
  const stored = (kind: keyof CacheFigures['stored']): number =>
    rounded(storedOf(dedup.nights[kind]) / storedOf(plain.nights[kind]));
  const served = ({ fetches }: typeof plain): number => allOf(fetches['built yesterday'].served);
  return {
    plainBytes: { sdk: imageOf('sdk'), packages: imageOf('packages') },
    stored: {
      first: stored('first'),
      touched: stored('touched'),
      userland: stored('userland'),
      kernel: stored('kernel'),
    },
    downloaded: { builtYesterday: rounded(served(dedup) / served(plain)) },
  };
};

/**
 * Reads figures: a file like config/cache-figures.json, or a record that `npm run bench -- cache --json FILE` wrote.
 *
 * @param file absolute path
 * @throws SIMULATE_FILE_INVALID
 */
export const readFigures = async (file: string): Promise<CacheFigures> => {
  const data = await readFiguresFile(file);
  const record = v.safeParse(recordSchema, data);
  return checkFigures(record.success ? figuresOfRecord(record.output) : data, file);
};
