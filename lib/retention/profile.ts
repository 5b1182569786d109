import * as v from 'valibot';

/** Text with `${name}` placeholders. */
const template = v.pipe(v.string(), v.minLength(1));
const templates = v.array(template);
const count = v.pipe(v.number(), v.integer(), v.minValue(0));

/**
 * What of a tree is collected as garbage, as data: the `garbage` section of a tree description. All paths are cache paths. Placeholders:
 * `${version}` (cache form) and `${versionTag}` (docker-safe form).
 */
export const retentionSchema = v.strictObject({
  /** Development builds, by their tags. */
  builds: v.strictObject({
    /** Channels whose tags with a suffix are development builds. */
    channels: v.array(v.string()),
    /** A tag that ends so is never collected. */
    exceptEndings: v.array(template),
    /** Default: how many of the newest stay. */
    keep: count,
    /** Default: what is younger stays; days. */
    minAgeDays: count,
    /** What a build has in the cache. One `*` in a name stands for any text, but not at its beginning for a dot. */
    artifacts: templates,
    /** Folders of a build that are deleted when nothing else is in them. */
    foldersIfEmpty: templates,
  }),
  /** What no tag stands for. */
  orphans: v.strictObject({
    folders: templates,
    /** `any`: whatever has no tag; `versions`: only what begins like a version. Names that begin with a dot never count. */
    names: v.picklist(['any', 'versions']),
    /** Folder to a text: names with it in them are for another collector. */
    except: v.record(v.string(), template),
  }),
  /** SDK images made for pull requests: `VERSION-github[-PR-N]-DATE`. Absent when the tree has none. */
  prSdks: v.optional(
    v.strictObject({
      folder: template,
      /** Folder of the statements on them, a folder per version in cache form; goes with the image. */
      statements: template,
      /** Defaults when the collector is called by itself. */
      keep: count,
      minAgeDays: count,
      /** How many stay when all collectors run. */
      keepInFullRun: count,
    }),
  ),
  /** Released versions. Absent when the tree publishes no list of its releases. */
  releases: v.optional(
    v.strictObject({
      /** URL of the list: a JSON object whose keys have the versions. */
      feed: template,
      folders: templates,
      /** Those of the folders in which a version stays as long as any release of its major version does. */
      sdkFolders: templates,
      /** Collected like `sdkFolders`, but only when asked for. */
      logFolders: templates,
      /** Default: how many stay of a channel, and of each LTS major. */
      keep: v.pipe(count, v.minValue(1)),
      /** Default: how many LTS majors stay. */
      lts: count,
    }),
  ),
  /** Collector of test resources at cloud vendors, a program of the tree. Absent when the tree has none. */
  cloud: v.optional(
    v.strictObject({
      /** File in the tree that names the container image. */
      imageFile: template,
      /** Where the checkout is mounted; also the working directory. */
      mount: template,
      command: templates,
      /** Environment variables that are handed on. */
      env: templates,
    }),
  ),
});

/** A checked `garbage` section. */
export type RetentionProfile = v.InferOutput<typeof retentionSchema>;
