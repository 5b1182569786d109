import * as v from 'valibot';

const absolutePath = v.pipe(v.string(), v.regex(/^\//, 'must be an absolute path'));

/**
 * What an image of a tree must look like once it runs, as written in the tree's description. The checks know no tree: every
 * name and value that they compare with comes from here.
 */
export const expectationsSchema = v.strictObject({
  /** Fields of /etc/os-release and their values; placeholders are filled in by the caller. */
  osRelease: v.record(v.string(), v.string()),
  /** The read-only system folder. */
  readOnlyPath: v.optional(absolutePath, '/usr'),
  /** Kernel argument that carries the root hash of its dm-verity tree. */
  rootHashArgument: v.optional(v.string(), 'usrhash'),
  /** Folders that must accept new files. */
  writablePaths: v.optional(v.array(absolutePath), ['/', '/etc', '/var']),
  /** A folder whose content must outlive a restart. */
  statePath: v.optional(absolutePath, '/var/lib'),
  /** Milliseconds from power-on to the login prompt. */
  loginWithinMs: v.optional(v.pipe(v.number(), v.minValue(1)), 120_000),
  /** Milliseconds from the first login until the system has finished starting. */
  runningWithinMs: v.optional(v.pipe(v.number(), v.minValue(1)), 90_000),
});

/** Checked expectations. */
export type Expectations = v.InferOutput<typeof expectationsSchema>;
