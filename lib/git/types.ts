/** Facts of one commit. */
export interface CommitInfo {
  /** Object name, 40 or 64 hex digits. */
  readonly commit: string;
  readonly parents: readonly string[];
  /** First line of the message. */
  readonly subject: string;
  /** Seconds since 1970, of the committer. */
  readonly timeSeconds: number;
}

/** What differs from the commit that is checked out; paths from the root of the repository, sorted. */
export interface Changes {
  readonly staged: readonly string[];
  readonly unstaged: readonly string[];
  /** Only below the folders that were asked for, without ignored files. */
  readonly untracked: readonly string[];
}

/** A path's entry in the index. */
export interface IndexEntry {
  readonly mode: string;
  readonly blob: string;
}

/** What became of one ref of a push. */
export interface PushedRef {
  /** Full name on the remote, for example `refs/heads/main`. */
  readonly ref: string;
  readonly status: 'new' | 'updated' | 'up-to-date' | 'rejected';
  /** What git or the remote says of it. */
  readonly summary: string;
}

/** What became of a push. Empty `refs` with an exit code other than 0: the connection broke, and nobody knows. */
export interface PushReport {
  readonly exitCode: number;
  readonly refs: readonly PushedRef[];
  /** The last lines that git and the remote's hooks wrote. */
  readonly output: string;
}

/**
 * Questions to a repository; they change nothing. Every one answers "no" only for the exit code with which git says no, and throws
 * `COMMAND_FAILED` for everything else.
 */
export interface GitQueries {
  /** The folder that git works in; absolute path. */
  readonly cwd: string;
  /** The commit that is checked out. Throws `NOT_A_GIT_CHECKOUT` when `cwd` is in no checkout, or in one without a commit. */
  head(): Promise<string>;
  /** Short name of the branch that is checked out; undefined when HEAD is detached. */
  currentBranch(): Promise<string | undefined>;
  /** The commit that a revision stands for, or undefined when there is no such revision here. */
  commitOf(revision: string): Promise<string | undefined>;
  /** The object that a ref holds (a tag object is not followed), or undefined. @param ref full name */
  refValue(ref: string): Promise<string | undefined>;
  commitInfo(revision: string): Promise<CommitInfo>;
  /** Commit time in seconds since 1970. @param revision default HEAD */
  commitTime(revision?: string): Promise<number>;
  /** Short names of the tags that point at a commit, in byte order. @param revision default HEAD */
  tagsAt(revision?: string): Promise<readonly string[]>;
  /** Whether a commit is part of a tag, or of what this clone last saw of a remote branch. */
  isPublished(revision: string): Promise<boolean>;
  /** `git describe --tags`; throws `COMMAND_FAILED` when no tag leads to HEAD. */
  describe(): Promise<string>;
  /**
   * Asks the remote for its refs as they are now. For an annotated tag the commit is listed as `refs/tags/NAME^{}`.
   *
   * @param patterns full names, or patterns like `refs/tags/*`
   */
  remoteRefs(patterns: readonly string[]): Promise<ReadonlyMap<string, string>>;
  /**
   * Whether files differ.
   *
   * @param from a revision
   * @param options.to another revision; default: the working tree
   * @param options.exclude paths from the root that do not count
   */
  differs(from: string, options?: { readonly to?: string; readonly exclude?: readonly string[] }): Promise<boolean>;
  /** The blob at a path of a revision, or undefined when there is none. */
  blobAt(revision: string, path: string): Promise<string | undefined>;
  /** The blob that a file with this text would be. */
  blobOf(text: string): Promise<string>;
  indexEntry(path: string): Promise<IndexEntry | undefined>;
  /** @param untrackedBelow folders in which untracked files count; default none */
  changes(untrackedBelow?: readonly string[]): Promise<Changes>;
  /** Whether anything is staged, unstaged, or untracked below the given folders. */
  isDirty(untrackedBelow?: readonly string[]): Promise<boolean>;
  /** A setting, or undefined when it is not set at any level. */
  getConfig(key: string): Promise<string | undefined>;
}

/** Changes to a repository or its remote. All throw `COMMAND_FAILED`. With `--plan` they are only reported. */
export interface GitEffects {
  /** All remotes, all tags; tags here that differ from the remote's are replaced. */
  fetch(): Promise<void>;
  /** Brings one ref's objects here without making a ref. */
  fetchObjects(ref: string): Promise<void>;
  /** Sets it for this repository only. */
  setConfig(key: string, value: string): Promise<void>;
  add(path: string): Promise<void>;
  /** Commits these paths and nothing else, with sign-off, also when nothing changed. */
  commit(message: string, paths: readonly string[]): Promise<void>;
  /** Tags HEAD: lightweight, or signed with the name as the message. Throws when there is such a tag. */
  tag(name: string, options: { readonly sign: boolean }): Promise<void>;
  /** Checks out a tag, HEAD detached; local changes are overwritten. */
  checkoutTag(name: string): Promise<void>;
  /** Moves HEAD (or the branch it is on) without touching files, if it is at `expected`. */
  moveHead(to: string, expected: string, reason: string): Promise<void>;
  /** Deletes a ref if it is at `expected`. */
  deleteRef(ref: string, expected: string): Promise<void>;
  /** Puts an index entry back; undefined removes it. */
  setIndexEntry(path: string, entry: IndexEntry | undefined): Promise<void>;
  /** Pushes; several refs all or none. A rejection is an answer and not an error. @param refspecs `SOURCE:DESTINATION` or a ref */
  push(refspecs: readonly string[]): Promise<PushReport>;
}

/** A git repository. */
export type Git = GitQueries & GitEffects;
