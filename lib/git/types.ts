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

/** Questions about patches. */
export interface GitPatchQueries {
  /** Patch ids of the diffs or mails in a file, in their order; empty when it has none. @param file absolute path */
  patchIds(file: string): Promise<readonly string[]>;
  /** Patch id of what a commit changed; undefined for a merge and for one that changed nothing. */
  patchIdOf(commit: string): Promise<string | undefined>;
  /** The paths that the patches in a file change; empty when git cannot read them. @param file absolute path */
  patchedPaths(file: string): Promise<readonly string[]>;
  /**
   * Patch ids of the commits that led to HEAD and changed one of the paths; merges have none.
   *
   * @param paths from the root of the repository
   */
  patchIdsInHistory(paths: readonly string[]): Promise<ReadonlySet<string>>;
  /** The first mail of a `git am` that was not finished, byte for byte as latin1; undefined when there is none. */
  openMail(): Promise<string | undefined>;
}

/** A submodule as `.gitmodules` names it. */
export interface Submodule {
  readonly name: string;
  /** From the root of the repository. */
  readonly path: string;
}

/** Questions about submodules. */
export interface GitSubmoduleQueries {
  /** What `.gitmodules` has; empty when there is no such file. */
  submodules(): Promise<readonly Submodule[]>;
  /** The commit of a submodule that a revision records, or undefined when there is none at the path. */
  commitAt(revision: string, path: string): Promise<string | undefined>;
}

/** Changes to submodules. */
export interface GitSubmoduleEffects {
  /** Clones a submodule that is not there yet, and checks out the commit that is recorded. @param path from the root of the repository */
  initSubmodule(path: string): Promise<void>;
  /** Checks out a commit or a branch. Throws rather than overwrite changes. @param revision a commit: HEAD gets detached; or a branch's short name */
  checkout(revision: string): Promise<void>;
  /** Tags a commit: lightweight, or signed with the name as the message. Throws when there is such a tag. */
  tagCommit(name: string, commit: string, options: { readonly sign: boolean }): Promise<void>;
}

/** Who makes a commit. */
export interface Committer {
  readonly name: string;
  readonly email: string;
}

/** Changes by patches. */
export interface GitPatchEffects {
  /**
   * `git am -3`: commits every mail of a file. When it throws, a session may be open.
   *
   * @param file absolute path
   * @param committer the authors are those of the mails
   */
  applyMails(file: string, committer: Committer): Promise<void>;
  /** `git am --abort`: HEAD, index and files as they were before the mails. @param committer for the reflog */
  abortMails(committer: Committer): Promise<void>;
  /** Takes commits off what is checked out (`git reset --keep`): local changes stay. @param commit what is to be checked out */
  stepBack(commit: string): Promise<void>;
}

/**
 * Questions to a repository; they change nothing. Every one answers "no" only for the exit code with which git says no, and throws
 * `COMMAND_FAILED` for everything else.
 */
export interface GitQueries extends GitPatchQueries, GitSubmoduleQueries {
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
export interface GitEffects extends GitPatchEffects, GitSubmoduleEffects {
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
  /**
   * Deletes a tag on the remote if it holds `expected` there; fine when the remote has none. Throws `TAG_NOT_DELETED`.
   *
   * @param name short name
   */
  deleteRemoteTag(name: string, expected: string): Promise<void>;
  /** Puts an index entry back; undefined removes it. */
  setIndexEntry(path: string, entry: IndexEntry | undefined): Promise<void>;
  /** Pushes; several refs all or none. A rejection is an answer and not an error. @param refspecs `SOURCE:DESTINATION` or a ref */
  push(refspecs: readonly string[]): Promise<PushReport>;
}

/** A git repository. */
export type Git = GitQueries &
  GitEffects & {
    /** The same for the repository of a submodule. @param path from the root of this one */
    at(path: string): Git;
  };
