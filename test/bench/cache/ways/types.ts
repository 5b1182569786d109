import type { Step } from '../measuring/measure.ts';
import type { BenchImage } from '../workload/images.ts';
import type { World } from '../world.ts';

/** A machine that publishes and fetches. */
export interface Worker {
  /** Absolute path of a folder that stays between its steps: its own cache, if a way has one. */
  readonly home: string;
  /** Absolute path of a folder for files on their way; emptied between steps' measurements. */
  readonly temp: string;
}

/** An image that a worker wants: its name is all that it knows. */
export type WantedImage = Pick<BenchImage, 'name' | 'version'>;

/**
 * One way of publishing and fetching container images. It only names commands; the benchmark runs and measures them, each with all processes that it
 * starts. A command that prints a JSON object as its last line has it in the results, under `said`.
 */
export interface Way {
  readonly name: string;
  /** Puts an image of the engine onto the server. */
  publish(world: World, image: WantedImage, worker: Worker): readonly Step[];
  /** Brings an image from the server into the engine. */
  fetch(world: World, image: WantedImage, worker: Worker): readonly Step[];
  /** Checks every stored byte on the server's disk. */
  scrub?(world: World, worker: Worker): readonly Step[];
  /** Whether what is stored for one version is of no use to another; it may be deleted as soon as no measurement needs it. */
  readonly storesWholeImages: boolean;
}
