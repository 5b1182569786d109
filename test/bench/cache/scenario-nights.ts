import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { measureSteps } from './measuring/measure.ts';
import type { BenchResults, WayResults } from './report/results.ts';
import { type EngineAlone, measureEngineAlone, saveTopLayer } from './scenario-engine.ts';
import { type Fetched, fetchImage } from './scenario-fetch.ts';
import { copyWorker, emptyTemp, openWorker, type Published, publishImage } from './scenario-publish.ts';
import type { Way, Worker } from './ways/types.ts';
import { type BenchImage, makeImages, referenceOf, removeImages } from './workload/images.ts';
import type { Night } from './workload/lists.ts';
import type { Workload } from './workload/workload.ts';
import type { World } from './world.ts';

/** What the scenarios of the four nights work with. */
export interface NightParts {
  readonly world: World;
  readonly workload: Workload;
  readonly ways: readonly Way[];
  readonly nights: readonly Night[];
  readonly fetch: boolean;
  /** Absolute path of an existing folder. */
  readonly work: string;
  say(line: string): void;
}

interface Images {
  readonly sdk: BenchImage;
  readonly packages: BenchImage;
}

/** What a way has done so far, and its machines. */
interface Track {
  readonly way: Way;
  /** The machine that publishes all nights. */
  readonly builder: Worker;
  /** The machine as it was before the userland night. */
  yesterday: Worker | undefined;
  readonly nights: Partial<Record<Night, Published[]>>;
  readonly fetches: { -readonly [kind in keyof WayResults['fetches']]: Fetched };
}

const references = (images: Images): string[] => [images.packages, images.sdk].map(referenceOf);

/** Whole archives that no later measurement reads; the disk is for others as well. */
const dropArchives = async ({ world }: NightParts, way: Way, version: string): Promise<void> => {
  if (way.storesWholeImages) await rm(join(world.prefixOf(way.name), 'containers', version), { recursive: true });
};

const publishNight = async (parts: NightParts, tracks: readonly Track[], night: Night, images: Images) => {
  for (const track of tracks) {
    if (night === 'userland')
      track.yesterday = await copyWorker(track.builder, join(parts.work, `${track.way.name}-yesterday`));
    parts.say(`${night}: publishing, ${track.way.name}`);
    const published: Published[] = [];
    for (const image of [images.sdk, images.packages]) {
      published.push(await publishImage(parts.world, track.way, image, track.builder));
    }
    track.nights[night] = published;
    if (night === 'touched' || night === 'kernel') await dropArchives(parts, track.way, images.sdk.version);
  }
};

/** The engine has the images of the night before; each way starts from that. */
const fetchAfterYesterday = async (parts: NightParts, tracks: readonly Track[], wanted: Images): Promise<void> => {
  await removeImages(references(wanted));
  for (const track of tracks) {
    if (!track.yesterday) continue;
    parts.say(`fetching the userland night after yesterday's, ${track.way.name}`);
    track.fetches['built yesterday'] = await fetchImage(parts.world, track.way, wanted.packages, track.yesterday);
    await removeImages(references(wanted));
  }
};

const fetchFirst = async (parts: NightParts, tracks: readonly Track[], wanted: Images): Promise<void> => {
  for (const { way, fetches } of tracks) {
    const worker = await openWorker(join(parts.work, `${way.name}-consumer`));
    await removeImages(references(wanted));
    parts.say(`fetching the first night, ${way.name}`);
    fetches.cold = await fetchImage(parts.world, way, wanted.packages, worker);
    await removeImages(references(wanted));
    await rm(worker.home, { recursive: true });

    // A worker that has fetched the SDK some time, as every build does.
    const again = await openWorker(join(parts.work, `${way.name}-consumer`));
    await measureSteps(way.fetch(parts.world, wanted.sdk, again));
    await emptyTemp(again);
    fetches['base layers'] = await fetchImage(parts.world, way, wanted.packages, again);
    await removeImages(references(wanted));
    await rm(again.home, { recursive: true });
  }
};

/**
 * Makes the images of each night, publishes them by each way, and fetches some of them in each of the cases. Only what is published and fetched is measured,
 * not the making of the images.
 */
export const runNights = async (
  parts: NightParts,
): Promise<Pick<BenchResults, 'engineAlone'> & { readonly ways: Readonly<Record<string, WayResults>> }> => {
  const tracks: Track[] = [];
  for (const way of parts.ways) {
    const builder = await openWorker(join(parts.work, `${way.name}-builder`));
    tracks.push({ way, builder, yesterday: undefined, nights: {}, fetches: {} as Track['fetches'] });
  }
  const made: Partial<Record<Night, Images>> = {};
  let topLayer = '';
  // A worker that built yesterday has yesterday's images.
  const yesterday = parts.nights[parts.nights.indexOf('userland') - 1];
  for (const night of parts.nights) {
    parts.say(`${night}: making the images`);
    const images = await makeImages(parts.workload, night, join(parts.work, 'context'));
    made[night] = images;
    if (night === 'first' && parts.fetch) topLayer = await saveTopLayer(images.packages, parts.work);
    await publishNight(parts, tracks, night, images);
    if (night === 'userland') {
      if (parts.fetch) await fetchAfterYesterday(parts, tracks, images);
      if (yesterday && made[yesterday]) await removeImages(references(made[yesterday]));
    }
    if (night !== yesterday) await removeImages(references(images));
  }
  let engineAlone: EngineAlone | undefined;
  if (parts.fetch && made.first) {
    await fetchFirst(parts, tracks, made.first);
    parts.say('the engine alone');
    const baseTar = parts.workload.tars('first').sdk;
    engineAlone = await measureEngineAlone(made.first.packages, { archive: topLayer, baseTar }, parts.work);
  }
  const ways = Object.fromEntries(tracks.map(({ way, nights, fetches }) => [way.name, { nights, fetches }]));
  return { ways, engineAlone };
};
