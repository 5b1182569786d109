import type { ErrorText } from '../slipway-error.ts';

/** Texts of the errors of the deduplicated store. */
export const dedupErrors = {
  DEDUP_FORMAT_INVALID: (c: { source: string; offset: number; problem: string }): ErrorText => ({
    kind: 'unverified',
    message: `${c.source} is not what it should be: at byte ${c.offset}, ${c.problem}.`,
    hint: 'Expected a file in a format of docs/cache-format.md. It was damaged, cut off or changed after it was published: publish the image again, and look at the disk of the server.',
  }),
  DEDUP_DIGEST_MISMATCH: (c: { what: string; expected: string; found: string }): ErrorText => ({
    kind: 'unverified',
    message: `The digest of ${c.what} should be ${c.expected} and is ${c.found}.`,
    hint: 'It was damaged or changed after it was published: publish the image again, and look at the disk of the server.',
  }),
  DEDUP_BASE_MISSING: (c: { block: string; base: string }): ErrorText => ({
    kind: 'unverified',
    message: `The block ${c.block} is stored as a difference to the block ${c.base}, which is not there.`,
    hint: 'The pack that held it was lost. Publish the images again that need it.',
  }),
  DEDUP_MANIFEST_OTHER: (c: { source: string; field: string; expected: string; found: string }): ErrorText => ({
    kind: 'unverified',
    message: `${c.source} is the manifest of something else: its ${c.field} should be ${JSON.stringify(c.expected)} and is ${JSON.stringify(c.found)}.`,
    hint: 'A manifest was copied to a place where it does not belong. Publish the image again, and find out who writes to the cache.',
  }),
  DEDUP_PACK_LOST: (c: { pack: string; location: string }): ErrorText => ({
    kind: 'failure',
    message: `The artifact cache (${c.location}) has lost the pack ${c.pack}, which this image needs.`,
    hint: 'It is neither among the packs nor in the trash. Publish the image again.',
  }),
  DEDUP_RECIPE_LOST: (c: { recipe: string; location: string }): ErrorText => ({
    kind: 'failure',
    message: `The artifact cache (${c.location}) has lost the recipe ${c.recipe}, which this image needs.`,
    hint: 'It is neither among the recipes nor in the trash. Publish the image again.',
  }),
} satisfies Record<string, (facts: never) => ErrorText>;
