import { hash } from 'node:crypto';
import * as v from 'valibot';
import { TarFault } from './tar-entries.ts';
import type { ImageConfig } from './types.ts';

/** What an image on the disk consists of. */
export interface ImageList {
  readonly config: ImageConfig;
  /** Its layers, lowest first. */
  readonly diffIds: readonly string[];
  /** The file of each. */
  readonly layerFiles: readonly string[];
  /** What it is called, `NAME:TAG` with or without registry. */
  readonly names: readonly string[];
}

/** A small file, or undefined when there is none. */
export type ReadText = (name: string) => Promise<Buffer | undefined>;

const Digest = v.pipe(v.string(), v.regex(/^sha256:[0-9a-f]{64}$/, 'expected a sha256'));
const Descriptor = v.object({
  mediaType: v.optional(v.string(), ''),
  digest: Digest,
  annotations: v.optional(v.record(v.string(), v.string()), {}),
  platform: v.optional(v.object({ os: v.optional(v.string(), '') })),
});
const DockerList = v.array(
  v.object({
    Config: v.string(),
    RepoTags: v.optional(v.nullable(v.array(v.string()))),
    Layers: v.optional(v.nullable(v.array(v.string()))),
  }),
);
const Index = v.object({ manifests: v.array(Descriptor) });
const Manifest = v.object({ config: Descriptor, layers: v.array(Descriptor) });
const Config = v.object({ rootfs: v.object({ diff_ids: v.array(Digest) }) });

/** An index may lead to another one; more than that is no image of one machine. */
const MOST_INDEXES = 3;

const parse = <Schema extends v.GenericSchema>(schema: Schema, text: Buffer, name: string): v.InferOutput<Schema> => {
  let value: unknown;
  try {
    value = JSON.parse(text.toString('utf8'));
  } catch (error) {
    throw new TarFault(`its ${name} is no JSON (${(error as Error).message})`);
  }
  const result = v.safeParse(schema, value, { abortEarly: true });
  if (result.success) return result.output;
  const [issue] = result.issues;
  throw new TarFault(`its ${name} is not as expected at ${v.getDotPath(issue) ?? 'the top'} (${issue.message})`);
};

const require = async (read: ReadText, name: string): Promise<Buffer> => {
  const text = await read(name);
  if (!text) throw new TarFault(`it lacks ${name}`);
  return text;
};

const theOne = <T>(items: readonly T[], what: string): T => {
  const [one] = items;
  if (one === undefined || items.length > 1) throw new TarFault(`it has ${items.length} ${what}, expected one`);
  return one;
};

/** File of a blob; the name is safe because the digest was checked to be one. */
const blobFile = (digest: string): string => `blobs/${digest.replace(':', '/')}`;

const readBlob = async (read: ReadText, digest: string): Promise<Buffer> => {
  const bytes = await require(read, blobFile(digest));
  const found = `sha256:${hash('sha256', bytes)}`;
  if (found !== digest) throw new TarFault(`its ${blobFile(digest)} has the digest ${found}`);
  return bytes;
};

/** The list, once configuration and files of the layers are found. */
const listOf = (bytes: Buffer, layerFiles: readonly string[], names: readonly string[]): ImageList => {
  const { rootfs } = parse(Config, bytes, 'configuration');
  const diffIds = rootfs.diff_ids.map((id) => id.slice('sha256:'.length));
  if (diffIds.length !== layerFiles.length) {
    throw new TarFault(`it has ${layerFiles.length} layers and its configuration ${diffIds.length}`);
  }
  return { config: { bytes, digest: hash('sha256', bytes) }, diffIds, layerFiles, names };
};

/** Reads the list that `docker save` writes, of any version, and podman for docker. Throws {@link TarFault}. */
export const readDockerList = async (read: ReadText): Promise<ImageList | undefined> => {
  const text = await read('manifest.json');
  if (!text) return undefined;
  const { Config: file, Layers, RepoTags } = theOne(parse(DockerList, text, 'manifest.json'), 'images');
  const bytes = await require(read, file);
  const digest = hash('sha256', bytes);
  if (!file.includes(digest)) throw new TarFault(`its configuration ${file} has the sha256 ${digest}`);
  return listOf(bytes, Layers ?? [], RepoTags ?? []);
};

/** The name in an index: containerd's is whole, the standard's is the tag alone or, from podman, all of it. */
const nameIn = ({ annotations }: v.InferOutput<typeof Descriptor>): string[] => {
  const whole = annotations['io.containerd.image.name'] ?? annotations['org.opencontainers.image.ref.name'] ?? '';
  return whole.includes(':') ? [whole] : [];
};

/** Reads an OCI image layout. Throws {@link TarFault}. */
export const readOciList = async (read: ReadText): Promise<ImageList | undefined> => {
  let text = await read('index.json');
  if (!text) return undefined;
  const names: string[] = [];
  for (let depth = 0; depth < MOST_INDEXES; depth += 1) {
    const { manifests } = parse(Index, text, 'index');
    // Statements on how an image was built are listed beside it, as images of no system.
    const image = theOne(
      manifests.filter(({ platform }) => platform?.os !== 'unknown'),
      'images',
    );
    names.push(...nameIn(image));
    text = await readBlob(read, image.digest);
    if (/index|manifest\.list/.test(image.mediaType)) continue;
    const { config, layers } = parse(Manifest, text, 'manifest');
    const layerFiles = layers.map(({ digest }) => blobFile(digest));
    return listOf(await readBlob(read, config.digest), layerFiles, names.slice(0, 1));
  }
  throw new TarFault(`its index leads to more than ${MOST_INDEXES} others`);
};
