import type { Git } from '../git/index.ts';
import type { Log } from '../log/index.ts';
import type { Version } from '../version/index.ts';
import type { TaggingRules } from './rules.ts';

/** A submodule that gets the tag of the tree: a package overlay. */
export interface SubmoduleRequest {
  /** The last part of its path, for example `coreos-overlay`. One that the tree does not have is left out. */
  readonly name: string;
  /** What to check out when its remote does not have the tag yet: branch, tag or commit. Empty: what the tree records. */
  readonly ref: string;
}

/** What to tag and how. */
export interface TagRequest {
  readonly version: Version;
  readonly rules: TaggingRules;
  /** A signed tag instead of a lightweight one; with the key that git finds for the committer. */
  readonly sign: boolean;
  /** Build a nightly although nothing changed (`AVOID_NIGHTLY_BUILD_SHORTCUTS`). */
  readonly avoidShortcuts: boolean;
  /** Submodules that follow the version; default none. */
  readonly submodules?: readonly SubmoduleRequest[];
  /** `yes` or `no` instead of asking the cache (`CIA_DEBUGIMAGESEXIST`); empty asks. */
  readonly imagesExist?: string;
}

/** Changes to files of the tree, paths below its root; with `--plan` they are only reported. */
export interface TreeFiles {
  write(path: string, text: string): Promise<void>;
  /** Fine when there is no such file. */
  remove(path: string): Promise<void>;
}

/** What tagging works with. */
export interface TagTools {
  readonly git: Git;
  /**
   * Takes back what was done when a run fails or is interrupted, so its runners must still run after the interrupt.
   * Default: `git`.
   */
  readonly undo?: Git;
  readonly files: TreeFiles;
  /** Whether the artifact cache has all of these. */
  readonly hasAll: (paths: readonly string[]) => Promise<boolean>;
  readonly log: Log;
}

/** What came of it. With `--plan`: what would have come of it, with the commit that is checked out now. */
export interface TagResult {
  /** `tagged`: this run pushed the tag. `reused`: the remote had it. `unchanged`: nothing to build, nothing tagged. */
  readonly outcome: 'tagged' | 'reused' | 'unchanged';
  /** For `unchanged`, the tag of the previous build. */
  readonly tag: string;
  /** What is checked out now. */
  readonly commit: string;
  /** The branch that was pushed to. */
  readonly branch?: string;
  /** Full names of the refs that this run pushed. */
  readonly pushed: readonly string[];
  /** Why, in one sentence. */
  readonly reason: string;
}
