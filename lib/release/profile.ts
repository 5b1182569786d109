import * as v from 'valibot';

/** Text with `${name}` placeholders. */
const template = v.pipe(v.string(), v.minLength(1));
const words = v.pipe(v.array(template), v.minLength(1));

/** Names of credential groups. */
const needs = v.array(v.string());

/** Of a credential: a file whose bytes are given in base64, a text, or a text that everyone may see, such as a user's name. */
const credentialKind = v.picklist(['file', 'text', 'public']);

/**
 * A command of the image publisher, run in its container in a fresh folder of its own, once per architecture. `${NAME}` of a credential stands for
 * the path of its file, or for its text.
 */
const publisherTask = {
  needs,
  /** Below the root of the tree. */
  folder: template,
  command: words,
};

/** One folder that is copied from the artifact cache to a bucket. */
const copy = v.strictObject({
  /** For people. */
  what: template,
  /** Folder of the cache. */
  source: template,
  target: template,
  /** Copied once, and not for each architecture. */
  once: v.optional(v.boolean(), false),
});

/** How a tree is released, as data: credentials, and the commands of the tools that talk to the clouds. */
export const releaseSchema = v.strictObject({
  /** File in the tree with `NAME=value` lines; what it has comes before the environment. */
  credentialsFile: v.string(),
  /** Credentials that belong together, by group; each is a setting too. */
  credentials: v.record(v.string(), v.record(v.pipe(v.string(), v.regex(/^[A-Z][A-Z0-9_]*$/)), credentialKind)),
  /** A word on the command line that stands for several phases. */
  families: v.optional(v.record(v.string(), v.array(v.string())), {}),
  publisher: v.strictObject({
    /** File in the tree with the reference of the container image. */
    imageFile: v.string(),
    container: template,
    /** Where the tree is mounted. */
    mount: v.pipe(v.string(), v.regex(/^\/\w+$/)),
  }),
  preRelease: v.strictObject({ ...publisherTask, platforms: v.array(v.string()) }),
  offers: v.strictObject({
    ...publisherTask,
    /** JSON file in the tree with the marketplace's products; they fill `${productIds}`, joined by commas. */
    products: v.strictObject({
      file: v.string(),
      key: template,
      /** Products of one group and architecture that get the same image. */
      more: v.array(v.strictObject({ group: v.string(), arch: v.string(), key: v.string() })),
    }),
  }),
  /** What the pre-release leaves per architecture: which image is where. */
  imageLists: v.strictObject({
    folder: template,
    prefix: v.string(),
    suffixes: v.array(v.string()),
    cacheFolder: template,
    /** The list of all regions. */
    all: v.string(),
  }),
  templates: v.strictObject({
    needs,
    folder: v.string(),
    /** The template without its region map: below the root of the tree, or below config/trees/. */
    document: v.string(),
    /** `${archSuffix}` is from the table below. */
    file: template,
    archSuffix: v.record(v.string(), v.string()),
    regions: v.array(v.string()),
    /** Set for the command. */
    environment: v.record(v.string(), template),
    upload: words,
  }),
  buckets: v.strictObject({
    needs,
    /** The credential that is the tool's settings file, and where it expects it. */
    settings: v.strictObject({ credential: v.string(), mount: v.string() }),
    image: v.string(),
    /** `${source}` is a URL. */
    command: words,
    copies: v.array(copy),
    sdkCopies: v.array(copy),
  }),
  registry: v.strictObject({ needs, user: v.string(), password: v.string() }),
});

/** A checked description of how a tree is released. */
export type ReleaseProfile = v.InferOutput<typeof releaseSchema>;
