import { measureSteps, type StepCost } from './measuring/measure.ts';
import { emptyTemp } from './scenario-publish.ts';
import type { Served } from './server-process.ts';
import { letDiskSettle } from './settle.ts';
import type { Way, Worker } from './ways/types.ts';
import { type BenchImage, findImageId, referenceOf, removeImages } from './workload/images.ts';
import type { World } from './world.ts';

/** What fetching one image cost. */
export interface Fetched {
  readonly image: string;
  readonly steps: readonly StepCost[];
  readonly served: Served;
}

/**
 * Fetches one image by one way into the engine, measured; the engine must not have it.
 *
 * @throws Error when the image that the engine has then is not the one that was published
 */
export const fetchImage = async (world: World, way: Way, image: BenchImage, worker: Worker): Promise<Fetched> => {
  await removeImages([referenceOf(image)]);
  await letDiskSettle();
  await world.takeServed();
  const steps = await measureSteps(way.fetch(world, image, worker));
  const served = await world.takeServed();
  await emptyTemp(worker);
  const id = await findImageId(referenceOf(image));
  if (id !== image.id) throw new Error(`${way.name} fetched ${referenceOf(image)} as ${id}, not as ${image.id}`);
  return { image: image.name, steps, served };
};
