import * as v from 'valibot';
import { bootImageSchema, bootProfileSchema } from '../qemu/profile.ts';
import { releaseSchema } from '../release/profile.ts';
import { retentionSchema } from '../retention/profile.ts';
import { expectationsSchema } from '../testing/expectations.ts';
import { vendorScriptsSchema } from '../vendor-tests/description.ts';

/** Text with `${name}` placeholders that a step fills in (lib/config/fill.ts). */
const template = v.pipe(v.string(), v.minLength(1));
const words = v.array(template);

/** How one kind of nightly is recognised and where it is pushed (section 2 of the specification of the original). */
const nightly = v.strictObject({
  /** Channels whose `-nightly-DATE` versions are pushed to a branch too. */
  channels: v.array(v.string()),
  /** Channels whose tags count as the previous build. */
  previousChannels: v.array(v.string()),
  /** Whether only tags of the same major version count as the previous build. */
  sameMajor: v.boolean(),
  /** Whether release tags count as the previous build too. */
  releasesCount: v.boolean(),
  /** Whether `-INTERMEDIATE` versions are nightlies of this kind. */
  intermediate: v.boolean(),
  branch: template,
  /** Cache paths that must exist for "nothing changed since". */
  artifacts: words,
});

const format = v.strictObject({
  /** The value of `--image_compression_formats`. */
  compression: v.string(),
});

/** A list that the tree keeps in its own files, read as data. Its items fill `${NAME}` (joined) or, one by one, `${item}`. */
const treeList = v.variant('kind', [
  v.strictObject({
    /** A shell array such as `name=('one' 'two')`. */
    kind: v.literal('shell-array'),
    file: v.string(),
    array: v.string(),
  }),
  v.strictObject({
    /** Names of the folders with a recipe (`*.ebuild`) whose KEYWORDS have the architecture. */
    kind: v.literal('ebuild-folders'),
    folder: v.string(),
    /** What the folders' names begin with; left out of the items. */
    prefix: v.string(),
  }),
]);

/** Files that a build leaves and that are worth keeping with its logs. */
const scavenged = v.strictObject({
  /** Copied as they are: visible entries of the folder whose names begin so. */
  folder: v.string(),
  prefix: v.string(),
  /** Below this folder, files with one of the names are copied to `config-logs/`, in their folders. */
  configFolder: v.string(),
  configNames: v.array(v.string()),
});

/** Images are booted here, and our own checks run on them. */
const bootTests = v.strictObject({
  /** How the tree's images start: firmware, memory, what the console says, how a key gets in. */
  boot: bootProfileSchema,
  /** What a booted image must look like; values may have placeholders. */
  expected: expectationsSchema,
  /** Published file that each format starts from, and what it is to the machine. */
  images: v.record(v.string(), bootImageSchema),
});

/** The tree brings its tests along. */
const ownTests = v.strictObject({ vendorScripts: vendorScriptsSchema });

/** A published text, and how its lines are read; lines that do not match are passed over. */
const list = (groups: readonly string[]) =>
  v.strictObject({
    file: v.string(),
    line: v.pipe(
      v.string(),
      v.check(
        (text) => isPattern(text) && groups.every((group) => text.includes(`(?<${group}>`)),
        `Expected a regular expression with the groups ${groups.join(' and ')}`,
      ),
    ),
  });

const isPattern = (text: string): boolean => {
  try {
    return new RegExp(text).source !== '';
  } catch {
    return false;
  }
};

const isRecord = (value: unknown): value is object => typeof value === 'object' && value !== null;

/**
 * What differs between OS trees, as data: one `config/trees/NAME.yaml` per tree. Placeholders: `${arch}`, `${version}` (cache form),
 * `${versionTag}` (docker-safe form), `${sdkVersion}`, `${sdkVersionTag}`, `${channel}`, `${group}`, `${major}`.
 */
export const treeSchema = v.strictObject({
  /** For people. */
  name: v.string(),
  /** Of the variables in the version file, for example `FLATCAR_`. */
  variablePrefix: v.pipe(v.string(), v.regex(/^[A-Z]+_$/)),
  versionFile: v.string(),
  arches: v.array(v.string()),
  /** Shell assignments that the tree's own steps read; read as data (lib/config/shell/). Absent when the tree has no such file. */
  settingsFile: v.optional(
    v.strictObject({
      path: v.string(),
      /** Its variables for what this description says otherwise: `author` and `image.root`. */
      authorName: v.string(),
      authorEmail: v.string(),
      imageRoot: v.string(),
    }),
  ),
  /** Registry of the SDK images; empty when they live in the cache only. */
  registry: v.string(),
  /** A second place from which container images are read, over HTTPS, when the cache does not have them. */
  mirrorUrl: v.optional(v.string()),
  /** How container images are stored in the cache, when nobody says otherwise (BUILDCACHE_LAYOUT). */
  cacheLayout: v.picklist(['flat', 'dedup', 'both']),
  author: v.strictObject({ name: v.string(), email: v.string() }),
  /** Environment variable that tells the image's entry points whether the version is a release (`1`) or not (`0`). */
  officialVariable: v.optional(v.string()),
  nightly: v.strictObject({
    sdk: nightly,
    packages: nightly,
    /** Uncommitted changes outside the version file: refused, or left alone. */
    uncommitted: v.picklist(['refuse', 'leave']),
    /** Folders in which an untracked file counts as an uncommitted change. */
    sourceFolders: v.array(v.string()),
  }),
  /** A patch beside the checkout that goes into every build, and who commits it; absent when the tree knows none. */
  localPatch: v.optional(
    v.strictObject({ file: v.string(), committer: v.strictObject({ name: v.string(), email: v.string() }) }),
  ),
  /** Submodules that get the version's tag, by the last part of their path, and the setting with the ref for those that do not have it yet. */
  submodules: v.optional(v.array(v.strictObject({ name: v.string(), refSetting: v.string() })), []),
  sdk: v.strictObject({
    /** Flavours of the SDK container image. */
    flavours: v.array(v.string()),
    /** Image name; `${flavour}` is one of the above. */
    image: template,
    /** Where `bootstrap_sdk_container` leaves the tarball, from the root of the tree. */
    tarball: template,
    /** Seeds that name no earlier SDK but a starting point of the tree's own, as a regular expression. */
    ownSeeds: v.optional(v.string()),
    /** What the SDK is made from, as git pathspecs: when none of it changed, a nightly may use the last SDK again. */
    inputs: words,
    /** An SDK older than this is made anew all the same, for security updates. */
    maxAgeDays: v.number(),
    /** Logs that the bootstrap leaves elsewhere than in the folder it is given. */
    scavenge: v.optional(scavenged),
    /** Where `build_sdk_container_image` expects the tarball. */
    buildFolder: v.string(),
  }),
  packages: v.strictObject({
    image: template,
    container: template,
    build: words,
    /** Whether a build that failed goes on in its container, with what it had built; else every try starts with a new one. */
    resume: v.boolean(),
    /** Run in the build's container afterwards, also when the build failed, to collect logs. */
    collectLogs: words,
    /** Binary packages that outlive a build: folder in the cache and folder in the tree; absent when the tree has its own way. */
    store: v.optional(v.strictObject({ cacheFolder: template, treeFolder: v.string() })),
  }),
  /** Development packages for a package server; absent when the tree publishes none in this way. */
  pushPackages: v.optional(
    v.strictObject({
      container: template,
      /** Makes the packages that the build itself did not need. */
      build: words,
      /** Copies the packages from the container to `${folder}`, below the root of the tree. */
      collect: words,
      /** Where they are published. */
      cacheFolder: template,
      /** Names that readers take for the sign that all is there. */
      last: v.array(v.string()),
    }),
  ),
  image: v.strictObject({
    container: template,
    /** Folder inside the container under which images are made. */
    root: v.string(),
    /** The same folder from the root of the tree; what an earlier attempt left there is removed. */
    hostRoot: v.string(),
    /** Before `--output_root` of `build_image`. */
    beforeRoot: words,
    /** After the common flags of `build_image`. */
    arguments: words,
    /** Files in `images/latest` that are not published. */
    remove: v.array(v.string()),
    /** The compressed generic image, as published. */
    file: v.string(),
    /** The kernel, as published. */
    kernel: v.string(),
    /** Published texts on what is in the image, by which two builds are compared; a tree may have some of them. */
    lists: v.optional(
      v.strictObject({
        /** One package per line; the regular expression has the groups `name` and `version`. */
        packages: v.optional(list(['name', 'version'])),
        /** One file per line, with `path` and `size`. */
        contents: v.optional(list(['path', 'size'])),
        /** Which package a file is from: `package` and `path`. */
        owners: v.optional(list(['package', 'path'])),
        /** The kernel's configuration. */
        kernelConfig: v.optional(v.string()),
      }),
      {},
    ),
  }),
  vms: v.strictObject({
    container: template,
    /** Files of the image step that every format needs; one with `${item}` stands for one per item of `inputsFor`. */
    inputs: words,
    /** Name of a list in `lists`. */
    inputsFor: v.optional(v.string()),
    /** Decompresses the generic image in place. */
    decompress: words,
    formats: v.record(v.string(), format),
    /** Names that only the test step knows; here they are passed over. */
    skipped: v.optional(v.array(v.string()), []),
    /** How many are made at the same time when nobody says; absent: as many as cores and disk allow. */
    atOnce: v.optional(v.number()),
    /** Links to add: name to target. */
    links: v.optional(v.record(v.string(), v.string()), {}),
    /** Inputs that must lie beside the vendor images while digests are made, because links point to them; not published again. */
    besideForDigests: v.optional(v.array(v.string()), []),
    /** The formats of a nightly that asks for none. */
    nightly: v.optional(v.array(v.string()), []),
    /** Formats that are made together: a word that begins with one of the prefixes stands for all of them, made after the others. */
    families: v.record(v.string(), v.strictObject({ prefixes: v.array(v.string()), formats: v.array(v.string()) })),
  }),
  test: v.lazy((section) => (isRecord(section) && 'vendorScripts' in section ? ownTests : bootTests)),
  /** Lists of the tree's own, by the name of their placeholder; joined by commas. */
  lists: v.optional(v.record(v.string(), treeList), {}),
  /** What is collected as garbage. */
  garbage: retentionSchema,
  /** How a version is released; absent when the tree is not. */
  release: v.optional(releaseSchema),
  /** GiB that a step fills at most, in the tree, the engine and the cache together. */
  diskGiB: v.record(v.string(), v.number()),
});

/** How the images of a tree are tested when we boot them. */
export type BootTests = v.InferOutput<typeof bootTests>;

/** A checked tree description. */
export type TreeDescription = v.InferOutput<typeof treeSchema>;
