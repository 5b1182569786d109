import type { ArtifactCache, ArtifactRecord, CacheStore } from '../cache/types.ts';
import type { Settings } from '../config/index.ts';
import type { ImageTraffic } from '../container/traffic.ts';
import type { ContainerCache, Engine, ImageName } from '../container/types.ts';
import type { Git } from '../git/index.ts';
import type { Log } from '../log/index.ts';
import type { Cleanup, Runner } from '../process/index.ts';
import type { Verifier } from '../signing/index.ts';
import type { TreeDescription } from '../tree/index.ts';
import type { Workspace } from './workspace.ts';

/** Everything a running step works with. With `--plan` the parts that change something only say so. */
export interface StepContext {
  readonly step: string;
  readonly log: Log;
  readonly settings: Settings;
  readonly tree: TreeDescription;
  /** Absolute path of the OS tree. */
  readonly root: string;
  readonly workspace: Workspace;
  /** Runs commands that change nothing; really runs with `--plan` too. */
  readonly query: Runner;
  /** Runs commands that change something. */
  readonly effects: Runner;
  readonly git: Git;
  /** Takes back what a failed or interrupted run did to the repository. */
  readonly undo: Git;
  readonly engine: Engine;
  /** Still works after an interrupt; for freeing. */
  readonly rescueEngine: Engine;
  /** What is fetched may come from the mirror; what it says of what is published is the cache's own word. */
  readonly cache: ArtifactCache;
  /** The cache, with the mirror for what it lacks: for reading only. */
  readonly reading: CacheStore;
  readonly containers: ContainerCache;
  /** The paths that make a published image whole, in the layout of this cache. */
  readonly imagePaths: (image: ImageName) => readonly string[];
  /** Checks signatures of the keys that are trusted; undefined when none are configured. */
  readonly verifier: Verifier | undefined;
  /** Registry of the SDK images; may be empty. */
  readonly registry: string;
  readonly plan: boolean;
  /** What the step prints is to be JSON. */
  readonly json: boolean;
  /** Writes to standard output, for a step that answers a question; whole lines. */
  readonly print: (text: string) => void;
  readonly signal: AbortSignal;
  readonly now: () => Date;
  /** Own flags of the step, by flag. */
  readonly flags: Readonly<Record<string, string | undefined>>;
  /** Absolute path of a folder for temporary files, removed at the end. */
  readonly temp: string;
  /** Freed at the end, however the step ends. */
  readonly cleanup: Cleanup;
  /** Freed only when the step is interrupted; what a failed step leaves is for `ci-cleanup.sh` and for looking into. */
  readonly onInterrupt: Cleanup;
  /** Artifacts for the result file. */
  readonly inputs: ArtifactRecord[];
  readonly outputs: ArtifactRecord[];
  /** What the step should have made and an earlier run published; for the result file, not for the statement of this run. */
  readonly published: ArtifactRecord[];
  /** Vendor formats that this run made, for its statement. */
  readonly made: string[];
  /** What the container images cost on their ways, for the result file. */
  readonly traffic: ImageTraffic[];
}
