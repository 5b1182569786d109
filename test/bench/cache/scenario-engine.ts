import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { measureSteps, type StepCost } from './measuring/measure.ts';
import { letDiskSettle } from './settle.ts';
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

/** What the engine alone takes: nothing is downloaded, verified or unpacked for it. No way that gives it the layers can be faster. */
export interface EngineAlone {
  /** For all layers; the lowest by `docker import`, which is quicker than `docker load`. */
  readonly cold: readonly StepCost[];
  /** For the layer that a worker with the base layers lacks. */
  readonly 'base layers': readonly StepCost[];
}

const LOAD = 'docker load < "$1"';
const IMPORT = 'docker import - "$1" < "$2"';

/**
 * Measures it. The engine must have nothing of the image, and has nothing of it afterwards.
 *
 * @param archive of {@link saveTopLayer}
 * @param baseTar absolute path of the tar that the layer below was imported from, as it is or compressed
 * @param work absolute path of an existing folder
 */
export const measureEngineAlone = async (
  image: BenchImage,
  { archive, baseTar }: { readonly archive: string; readonly baseTar: string },
  work: string,
): Promise<EngineAlone> => {
  const raw = join(work, 'base-layer.tar');
  await run('zstd', ['-q', '-d', '-f', '-o', raw, baseTar]);
  const base = 'bench-engine:base';
  await letDiskSettle();
  const imported = await measureSteps([
    { name: 'import the base', command: ['bash', '-ec', IMPORT, 'import', base, raw] },
  ]);
  const loaded = await measureSteps([{ name: 'load the layer', command: ['bash', '-ec', LOAD, 'load', archive] }]);
  if ((await findImageId(referenceOf(image))) !== image.id) throw new Error(`${referenceOf(image)} is another one now`);
  await removeImages([referenceOf(image), base]);
  await rm(raw);
  return { cold: [...imported, ...loaded], 'base layers': loaded };
};
