import { hash } from 'node:crypto';
import * as v from 'valibot';
import { slipwayError } from '../../errors/index.ts';
import { formatInvalid } from './bytes.ts';

const Id = v.pipe(v.string(), v.regex(/^[0-9a-f]{64}$/, 'expected 64 hex digits'));

const Layer = v.strictObject({
  diffId: Id,
  sizeBytes: v.pipe(v.number(), v.safeInteger(), v.minValue(0)),
  recipes: v.pipe(v.array(Id), v.minLength(1)),
});

const Manifest = v.strictObject({
  slipwayImage: v.literal(1),
  name: v.string(),
  version: v.string(),
  imageId: v.pipe(v.string(), v.regex(/^(sha256:)?[0-9a-f]{64}$/, 'expected a sha256')),
  config: v.string(),
  configDigest: Id,
  layers: v.array(Layer),
});

const Config = v.object({ rootfs: v.object({ diff_ids: v.array(v.string()) }) });

/**
 * What an image is made of. `config`: the exact text of its configuration, whose sha256 is `configDigest`; `imageId`: as the engine
 * showed it; `layers`: from the lowest up, `recipes` of each from its own back along its bases.
 */
export type ImageManifest = v.InferOutput<typeof Manifest>;

/** The text of a manifest. */
export const formatManifest = ({ name, version, imageId, config, configDigest, layers }: ImageManifest): string => {
  const inOrder = layers.map(({ diffId, sizeBytes, recipes }) => ({ diffId, sizeBytes, recipes }));
  return `${JSON.stringify({ slipwayImage: 1, name, version, imageId, config, configDigest, layers: inOrder }, undefined, 1)}\n`;
};

const parseJson = (text: string, source: string, what: string): unknown => {
  try {
    return JSON.parse(text);
  } catch (error) {
    throw formatInvalid(source, 0, `${what} is no JSON (${(error as Error).message})`, error);
  }
};

const check = <Schema extends v.GenericSchema>(
  schema: Schema,
  value: unknown,
  source: string,
): v.InferOutput<Schema> => {
  const result = v.safeParse(schema, value, { abortEarly: true });
  if (result.success) return result.output;
  const [issue] = result.issues;
  throw formatInvalid(source, 0, `${v.getDotPath(issue) ?? 'the whole'} is not as expected (${issue.message})`);
};

/**
 * Reads the manifest of an image: it must be that of `expect`, and its configuration and layers must belong together.
 *
 * @param source what the text comes from, for errors
 * Throws `DEDUP_FORMAT_INVALID`, `DEDUP_DIGEST_MISMATCH` and `DEDUP_MANIFEST_OTHER`.
 */
export const parseManifest = (
  text: string,
  source: string,
  expect: { readonly name: string; readonly version: string },
): ImageManifest => {
  const manifest = check(Manifest, parseJson(text, source, 'it'), source);
  for (const field of ['name', 'version'] as const) {
    const [expected, found] = [expect[field], manifest[field]];
    if (found !== expected) throw slipwayError('DEDUP_MANIFEST_OTHER', { source, field, expected, found });
  }
  const found = hash('sha256', manifest.config, 'hex');
  if (found !== manifest.configDigest) {
    throw slipwayError('DEDUP_DIGEST_MISMATCH', {
      what: `the configuration in ${source}`,
      expected: manifest.configDigest,
      found,
    });
  }
  const config = check(
    Config,
    parseJson(manifest.config, source, 'the configuration'),
    `The configuration in ${source}`,
  );
  const [inConfig, here] = [config.rootfs.diff_ids, manifest.layers.map(({ diffId }) => `sha256:${diffId}`)];
  if (inConfig.length !== here.length || inConfig.some((diffId, at) => diffId !== here[at])) {
    throw formatInvalid(source, 0, 'its layers are not those of its configuration');
  }
  return manifest;
};
