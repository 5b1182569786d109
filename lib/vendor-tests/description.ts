import * as v from 'valibot';

const path = v.pipe(v.string(), v.minLength(1));

/**
 * Tests that a tree brings along: one script per kind of image, run in a container with the test tools. Placeholders are those of the
 * tree description and `${image}`.
 */
export const vendorScriptsSchema = v.strictObject({
  /** Where the scripts are, from the root of the tree: `IMAGE.sh`. */
  folder: path,
  /** Name of the container. */
  container: path,
  /** File with the reference of the image that has the test tools; the setting MANTLE_REF goes before it. */
  imageFile: path,
  /** What `bash -c` gets; `${script}` and `${arguments}` are quoted words. */
  command: path,
  /** Where the tree is in the container. */
  mountedAt: v.pipe(v.string(), v.regex(/^\/\w/, 'must be an absolute path')),
  /** Shell assignments for the container, with credentials; made empty when it is not there. */
  variablesFile: path,
  /** Names in that file whose values may be shown; `*` stands for any text. */
  publicVariables: v.array(v.string()),
});

/** A checked description of the tree's own tests. */
export type VendorScripts = v.InferOutput<typeof vendorScriptsSchema>;
