import type { Digests } from '../signing/index.ts';

/** A file in the cache: its path below the prefix, `/`-separated, without a leading `/`. */
export type CachePath = string;

/** Reports bytes as they are moved. */
export interface TransferOptions {
  /** Called with the number of bytes moved since the last call. */
  readonly onBytes?: (bytes: number) => void;
  /** Of a download: called with the size of the file, if it is known, before the first bytes are reported. */
  readonly onSize?: (sizeBytes: number) => void;
}

/** What a store says of one name in a folder. */
export interface StoreEntry {
  readonly name: string;
  /** A symbolic link is `other`. */
  readonly kind: 'file' | 'folder' | 'other';
  readonly sizeBytes: number;
  /** Of the last change, in milliseconds since 1970 by the clock of the store's machine. */
  readonly modifiedMs: number;
}

/** What to list. */
export interface ListOptions {
  readonly onlyFolders?: boolean;
}

/** One file to publish. */
export interface Upload {
  /** Absolute local path of a regular file, or of a symbolic link. */
  readonly file: string;
  /** Where it appears in the cache. */
  readonly path: CachePath;
  /** It appears as a symbolic link with this relative target, whatever `file` has in it; absent: as the bytes of `file`. */
  readonly linkTarget?: string;
  /** Digest of the file, 64 hex digits, when it is known already; else the store computes it where it needs it. */
  readonly sha256?: string;
}

/** What is published, as the store's own machine sees it. */
export interface PublishedFiles {
  /** Size in bytes, or undefined when there is no such file. */
  size(path: CachePath): Promise<number | undefined>;
  /** A small text file, or undefined when there is none. */
  readText(path: CachePath): Promise<string | undefined>;
  /** Deletes a file; fine when there is none. */
  removeFile(path: CachePath): Promise<unknown>;
}

/** How a set is published. */
export interface PublishOptions extends TransferOptions {
  /**
   * Whose lock is held while names change; publishers that may meet name the same. Default: the deepest folder that all files of the set
   * have in common.
   */
  readonly lockFolder?: CachePath;
  /**
   * Asked when all bytes have come and the lock is held, before the first name changes; may be asked again when some bytes had to be
   * sent again.
   *
   * @returns false: nothing is to change, and what was sent is dropped
   */
  readonly beforePlacing?: (there: PublishedFiles) => Promise<boolean>;
}

/**
 * Where artifacts live: a local folder, or a server with rsync over ssh in and HTTPS out. Moves bytes and names; knows nothing
 * of digests, signatures or what the files mean.
 *
 * All methods throw `CACHE_UNREACHABLE` (host, tries), `CACHE_HOST_KEY` or `CACHE_PATH_INVALID` where they apply.
 */
export interface CacheStore {
  /** For people: a folder, or server and prefix. Without credentials. */
  readonly location: string;
  /** Size in bytes, or undefined when there is no such file. Any other trouble throws. */
  size(path: CachePath): Promise<number | undefined>;
  /**
   * Names in a folder, sorted; empty when there is no such folder.
   *
   * @param options.onlyFolders leave out what is no folder
   */
  list(folder: CachePath, options?: ListOptions): Promise<readonly string[]>;
  /**
   * Names in a folder with sizes and times, sorted by name; empty when there is no such folder.
   *
   * Throws `CACHE_SETTING_INVALID` when the store is a server without an account on it: a web server does not tell.
   */
  entries(folder: CachePath): Promise<readonly StoreEntry[]>;
  /** A small text file, or undefined when there is none. */
  readText(path: CachePath): Promise<string | undefined>;
  /**
   * A small file as bytes, or undefined when there is none.
   *
   * @param maxBytes default 4 MiB; throws `CACHE_FILE_TOO_LONG` when the file is longer
   */
  readBytes(path: CachePath, maxBytes?: number): Promise<Buffer | undefined>;
  /**
   * Exactly `length` bytes of a file from `offset` on, without the rest of it crossing the network. Several at once are fine.
   *
   * @param length at most 256 MiB
   * Throws `CACHE_ARTIFACT_MISSING` when there is no such file, `CACHE_RANGE_BEYOND_END` when it ends before the range does.
   */
  readRange(path: CachePath, offset: number, length: number): Promise<Buffer>;
  /**
   * Size in bytes of a file of which parts are read as quickly as the whole: undefined when there is no such file, or when the server
   * does not do ranges. A store without this has no such files.
   */
  rangedSize?(path: CachePath): Promise<number | undefined>;
  /**
   * Downloads to `toFile` by way of a partial file beside it that a later call resumes; `toFile` appears by rename when complete.
   * Throws `CACHE_ARTIFACT_MISSING` when there is no such file.
   */
  download(path: CachePath, toFile: string, options?: TransferOptions): Promise<void>;
  /**
   * Publishes files as one set: all bytes go to a staging folder on the same file system, then each file is renamed into place in
   * the order given. A reader never sees a part of a file; the last file of the set tells that the set is complete. Files keep
   * the time of their last change, and their mode, except that everybody may read them. An empty set only removes what dead publishers
   * left.
   */
  publish(uploads: readonly Upload[], options?: PublishOptions): Promise<void>;
  /**
   * Gives a file another name, atomically; a file that has it already is replaced. Folders are made.
   *
   * @returns whether the file has its new name now, also when somebody else was quicker; false when it has neither name
   */
  rename(from: CachePath, to: CachePath): Promise<boolean>;
  /** Deletes a file or a folder with all that is in it; fine when there is none. */
  remove(path: CachePath): Promise<void>;
  /** Frees connections. */
  close(): Promise<void>;
}

/** A published or fetched artifact; what a result file says of it. */
export interface ArtifactRecord {
  readonly path: CachePath;
  readonly sizeBytes: number;
  /** 64 hex digits. */
  readonly sha256: string;
  /** Of a published artifact that has it in its `.DIGESTS`: 128 hex digits. */
  readonly sha512?: string;
}

/** All digests of a file, and how many bytes they are of. */
export interface KnownDigests {
  readonly sizeBytes: number;
  readonly digests: Digests;
}

/** What to publish into one folder of the cache. */
export interface PublishRequest {
  /** Folder in the cache, for example `images/amd64/4799.0.0`. */
  readonly folder: CachePath;
  /**
   * Absolute paths of files and folders; a folder's files keep their path below that folder. A symbolic link is published as one,
   * with digests and signature of what it leads to, under its own name; when it leads nowhere here, without. Its target must be
   * relative and inside `folder`.
   */
  readonly files: readonly string[];
  /**
   * Names (below `folder`) of files that are there only because links lead to them, and are not published, nor are their digests
   * and signatures: the cache has them already.
   */
  readonly leaveOut?: readonly string[];
  /** Make and publish `.DIGESTS` files: for all (default), for none, or for these names (below `folder`) only. */
  readonly digests?: boolean | readonly string[];
  /** Names (below `folder`) that are to appear last because readers take them for the sign that all is there, e.g. an `.id`. */
  readonly last?: readonly string[];
  /**
   * The files may take the place of others of their names, with a warning: for what changes by its nature, such as indexes, logs and
   * results. Default false: what is published stays, and another content is refused. Files without digests cannot be told from others;
   * they are always replaced.
   */
  readonly replace?: boolean;
  /**
   * Name (below `folder`) of a file that says by its content what the set is, e.g. an `.id`: when the same one is published, the set is
   * there, even if other files of it have other bytes (an archive that was compressed by another version of the program).
   */
  readonly sameBy?: string;
  /** By absolute path: digests that were made while a file was written, so that it is not read once more. */
  readonly known?: ReadonlyMap<string, KnownDigests>;
}

/** An artifact on its way. */
export interface StreamedArtifact {
  readonly sizeBytes: number;
  /** Not verified while they come; to be read once and to the end, which they reach only when they are right, and throw instead otherwise. */
  readonly bytes: AsyncIterable<Buffer>;
  /** Resolves when the bytes came to their end and digest and signature are right. */
  readonly verified: Promise<ArtifactRecord>;
}

/** The artifact cache as the steps use it: verified reads, whole-set writes with digests and signatures. */
export interface ArtifactCache {
  readonly store: CacheStore;
  /**
   * Publishes files with digests and, when a signer is configured, signatures. A version that is published does not change: the same
   * content joins (what is there is not sent again), another one is refused unless the request says that it may replace. What a publisher
   * left that did not finish is replaced: a set without its `last` files or, where none are named, with an artifact that has no digests.
   *
   * @returns a record for each of the given files (not for the digests and signatures) whose bytes are in the cache now; for a link to a
   *   file with size and digest of that file; none for a link that leads to no file
   * Throws `CACHE_VERSION_DIFFERS` and what `CacheStore.publish` throws.
   */
  publish(request: PublishRequest): Promise<readonly ArtifactRecord[]>;
  /**
   * Fetches one artifact into a folder and verifies it before it appears there: digest always, signature when trusted keys are
   * configured. A file already there with the right digest is not downloaded again.
   *
   * Throws `CACHE_ARTIFACT_MISSING` (exit 1), `ARTIFACT_DIGEST_MISMATCH`, `ARTIFACT_DIGESTS_MISSING`, `ARTIFACT_SIGNATURE_MISSING` or
   * `ARTIFACT_SIGNATURE_INVALID` (exit 3).
   */
  fetch(path: CachePath, toFolder: string): Promise<ArtifactRecord & { readonly file: string }>;
  /**
   * Hands on an artifact as it comes, for what is large and is not to be a file first. Nothing that is made of its bytes may count before
   * `verified` has resolved.
   *
   * @param folder absolute path of an existing folder for small files; nothing stays in it
   * @returns the record and what `use` returned; undefined, without having called `use`, for what has to be fetched instead
   * Throws what `fetch` throws.
   */
  stream?<T>(
    path: CachePath,
    folder: string,
    use: (artifact: StreamedArtifact) => Promise<T>,
  ): Promise<{ readonly record: ArtifactRecord; readonly value: T } | undefined>;
  /** Whether all of the files are there. */
  hasAll(paths: readonly CachePath[]): Promise<boolean>;
}
