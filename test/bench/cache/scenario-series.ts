import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import type { Readable } from 'node:stream';
import { difference, NOTHING, storedBelow } from './measuring/stored.ts';
import { type NightKind, openNightTree } from './nights/tree.ts';
import { wallOf } from './report/figures.ts';
import type { SeriesNight } from './report/results.ts';
import { fetchImage } from './scenario-fetch.ts';
import { copyWorker, openWorker, publishImage } from './scenario-publish.ts';
import type { Way } from './ways/types.ts';
import type { NightDifference } from './workload/difference.ts';
import { type BenchImage, findImageId, importTar, referenceOf, removeImages } from './workload/images.ts';
import type { Workload } from './workload/workload.ts';
import type { World } from './world.ts';

/** Nights at which consumers are measured too: one that built the night before, and one that has nothing. */
const CHECKPOINTS: readonly number[] = [1, 2, 10, 50, 100, 200, 500];

/** Four userland nights, then one with a new kernel. */
const kindOf = (night: number): NightKind => (night === 1 ? 'first' : night % 5 === 0 ? 'kernel' : 'userland');

/** What the series works with. */
export interface SeriesParts {
  readonly world: World;
  readonly workload: Workload;
  readonly differences: Readonly<Record<'userland' | 'kernel', NightDifference>>;
  /** The plain way first; of it only the first night is published, for all its nights are as large. */
  readonly ways: readonly Way[];
  readonly nights: number;
  readonly scale: number;
  /** Absolute path of an existing folder. */
  readonly work: string;
  say(line: string): void;
}

/** The part of the bytes outside of the kernel that the real userland night has new. */
const changedShare = ({ userland }: SeriesParts['differences']): number => userland.newBytes / userland.fileBytes;

const importNight = async (night: number, tar: Readable): Promise<BenchImage> => {
  const image = { name: 'bench-night', version: `1.0.${night}` };
  await importTar(tar, referenceOf(image));
  const id = await findImageId(referenceOf(image));
  if (id === undefined) throw new Error('the engine lost an image');
  return { ...image, id };
};

/** Publishes night after night, each one an image of one layer; every image is removed from the engine again. */
export const runSeries = async (parts: SeriesParts): Promise<Readonly<Record<string, SeriesNight[]>>> => {
  const { world, ways, nights, work, say } = parts;
  const tree = await openNightTree(parts.workload, parts.scale, changedShare(parts.differences));
  const found = Object.fromEntries(ways.map(({ name }) => [name, [] as SeriesNight[]]));
  const builders = new Map(
    await Promise.all(ways.map(async ({ name }) => [name, await openWorker(join(work, `series-${name}`))] as const)),
  );
  const starts = new Map(ways.map(({ name }) => [name, storedBelow(world.prefixOf(name))]));
  for (let night = 1; night <= nights; night += 1) {
    const kind = kindOf(night);
    const builtBytes = tree.advance(night, kind);
    const image = await importNight(night, tree.tar(night));
    for (const way of ways) {
      const builder = builders.get(way.name);
      if (!builder || (night > 1 && way.storesWholeImages)) continue;
      const copyFolder = join(work, 'series-consumer');
      const consumer = CHECKPOINTS.includes(night) ? await copyWorker(builder, copyFolder) : undefined;
      const published = await publishImage(world, way, image, builder);
      const now = storedBelow(world.prefixOf(way.name));
      const fetch = consumer && (await fetchImage(world, way, image, consumer));
      await rm(copyFolder, { recursive: true, force: true });
      const newFolder = join(work, 'series-newcomer');
      const cold = consumer && (await fetchImage(world, way, image, await openWorker(newFolder)));
      await rm(newFolder, { recursive: true, force: true });
      found[way.name]?.push({
        night,
        kind,
        publishMs: wallOf(published.steps),
        stored: published.stored,
        total: difference(starts.get(way.name) ?? NOTHING, now),
        ...(fetch ? { fetch } : {}),
        ...(cold ? { cold } : {}),
      });
    }
    await removeImages([referenceOf(image)]);
    if (CHECKPOINTS.includes(night)) say(`night ${night} (${kind}): ${builtBytes} bytes built anew`);
  }
  return found;
};
