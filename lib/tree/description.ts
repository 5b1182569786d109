import * as v from 'valibot';
import { bootImageSchema, bootProfileSchema } from '../qemu/profile.ts';
import { expectationsSchema } from '../testing/expectations.ts';

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
  /** Registry of the SDK images; empty when they live in the cache only. */
  registry: v.string(),
  author: v.strictObject({ name: v.string(), email: v.string() }),
  nightly: v.strictObject({
    sdk: nightly,
    packages: nightly,
    /** Uncommitted changes outside the version file: refused, or left alone. */
    uncommitted: v.picklist(['refuse', 'leave']),
    /** Folders in which an untracked file counts as an uncommitted change. */
    sourceFolders: v.array(v.string()),
  }),
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
    /** Where `build_sdk_container_image` expects the tarball. */
    buildFolder: v.string(),
  }),
  packages: v.strictObject({
    image: template,
    container: template,
    build: words,
    /** Run in the build's container afterwards, also when the build failed, to collect logs. */
    collectLogs: words,
    /** Binary packages that outlive a build: folder in the cache and folder in the tree; absent when the tree has its own way. */
    store: v.optional(v.strictObject({ cacheFolder: template, treeFolder: v.string() })),
  }),
  image: v.strictObject({
    container: template,
    /** Folder inside the container under which images are made. */
    root: v.string(),
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
  }),
  vms: v.strictObject({
    container: template,
    /** Files of the image step that every format needs. */
    inputs: words,
    /** Decompresses the generic image in place. */
    decompress: words,
    formats: v.record(v.string(), format),
    /** The formats of a nightly that asks for none. */
    nightly: v.optional(v.array(v.string()), []),
    /** A name that stands for several formats. */
    families: v.record(v.string(), v.array(v.string())),
  }),
  test: v.strictObject({
    /** How the tree's images start: firmware, memory, what the console says, how a key gets in. */
    boot: bootProfileSchema,
    /** What a booted image must look like; values may have placeholders. */
    expected: expectationsSchema,
    /** Published file that each format starts from, and what it is to the machine. */
    images: v.record(v.string(), bootImageSchema),
  }),
  /** GiB that a step fills at most, in the tree, the engine and the cache together. */
  diskGiB: v.record(v.string(), v.number()),
});

/** A checked tree description. */
export type TreeDescription = v.InferOutput<typeof treeSchema>;
