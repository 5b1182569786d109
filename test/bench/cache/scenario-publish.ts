import { cp, mkdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { measureSteps, type StepCost } from './measuring/measure.ts';
import { type BytesByUse, difference, storedBelow } from './measuring/stored.ts';
import type { Served } from './server-process.ts';
import type { Way, Worker } from './ways/types.ts';
import type { BenchImage } from './workload/images.ts';
import type { World } from './world.ts';

/** What publishing one image cost. */
export interface Published {
  readonly image: string;
  readonly steps: readonly StepCost[];
  /** What came to the server's disk. */
  readonly stored: BytesByUse;
  /** What the publisher downloaded meanwhile. */
  readonly served: Served;
}

/** Makes a worker in a folder, as empty as that folder is. */
export const openWorker = async (folder: string): Promise<Worker> => {
  const worker = { home: join(folder, 'home'), temp: join(folder, 'temp') };
  for (const path of Object.values(worker)) await mkdir(path, { recursive: true });
  return worker;
};

/** Takes away what a measurement left in the folder for files on their way. */
export const emptyTemp = async ({ temp }: Worker): Promise<void> => {
  await rm(temp, { recursive: true, force: true });
  await mkdir(temp, { recursive: true });
};

/** A second worker that has what the first one has now. */
export const copyWorker = async (worker: Worker, folder: string): Promise<Worker> => {
  const copy = await openWorker(folder);
  await cp(worker.home, copy.home, { recursive: true });
  return copy;
};

/** Publishes one image by one way, measured. */
export const publishImage = async (world: World, way: Way, image: BenchImage, worker: Worker): Promise<Published> => {
  const before = storedBelow(world.prefixOf(way.name));
  await world.takeServed();
  const steps = await measureSteps(way.publish(world, image, worker));
  await emptyTemp(worker);
  const stored = difference(before, storedBelow(world.prefixOf(way.name)));
  return { image: image.name, steps, stored, served: await world.takeServed() };
};
