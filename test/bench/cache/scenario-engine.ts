import { join } from 'node:path';
import { measureSteps, type StepCost } from './measuring/measure.ts';
import { run } from './shell.ts';
import { type BenchImage, findImageId, referenceOf, removeImages } from './workload/images.ts';

/** Keeps of a saved image what the engine needs for its topmost layer, which is the last one that is named. */
const KEEP_TOP = `
mkdir "$2" && docker save "$1" | tar -x -C "$2"
top=$(grep -o '"[^"]*layer.tar"' "$2/manifest.json" | tail -n 1 | tr -d '"')
find "$2" -name layer.tar ! -path "$2/$top" -delete
tar -c -f "$2.tar" -C "$2" . && rm -r "$2"
`;

/**
 * An archive with the topmost layer of an image alone, uncompressed, on this machine's disk.
 *
 * @param work absolute path of an existing folder
 * @returns absolute path of the archive
 */
export const saveTopLayer = async (image: BenchImage, work: string): Promise<string> => {
  const folder = join(work, 'top-layer');
  await run('bash', ['-o', 'pipefail', '-ec', KEEP_TOP, 'keep-top', referenceOf(image), folder]);
  return `${folder}.tar`;
};

/**
 * What the engine alone takes for a layer that it lacks: nothing is downloaded, verified or unpacked for it. No way that gives the layer to the
 * engine can be faster. The engine must have the layers below, and not the image.
 */
export const loadTopLayer = async (image: BenchImage, archive: string): Promise<readonly StepCost[]> => {
  const steps = await measureSteps([
    { name: 'load the layer', command: ['bash', '-ec', 'docker load < "$1"', 'load', archive] },
  ]);
  if ((await findImageId(referenceOf(image))) !== image.id)
    throw new Error(`${referenceOf(image)} is another one than before`);
  await removeImages([referenceOf(image)]);
  return steps;
};
