import type { ErrorText } from '../slipway-error.ts';

/** Texts of the errors of a release. None of them has the value of a credential. */
export const releaseErrors = {
  RELEASE_PHASE_UNKNOWN: (c: { phase: string; known: readonly string[]; nearest?: string }): ErrorText => ({
    kind: 'misuse',
    message: `A release has no phase '${c.phase}'.${c.nearest ? ` Did you mean '${c.nearest}'?` : ''}`,
    hint: `The phases are, in order: ${c.known.join(', ')}. Without any, all are run.`,
  }),
  RELEASE_NOT_DESCRIBED: (c: { tree: string }): ErrorText => ({
    kind: 'misuse',
    message: `The description of ${c.tree} does not say how it is released.`,
    hint: "It needs a section 'release' in config/trees/.",
  }),
  RELEASE_CREDENTIALS_UNREADABLE: (c: { file: string; reason: string }): ErrorText => ({
    kind: 'misuse',
    message: `The file with credentials, ${c.file}, cannot be read: ${c.reason}.`,
    hint: 'Make it readable for this user, or remove it and set the credentials in the environment.',
  }),
  RELEASE_CREDENTIAL_NOT_DATA: (c: { name: string; file: string; line: number }): ErrorText => ({
    kind: 'misuse',
    message: `${c.file}, line ${c.line}: the value of ${c.name} is not plain text; it would have to be executed to be known.`,
    hint: `Write it as export ${c.name}="value", without $, backquotes or other commands.`,
  }),
  RELEASE_CREDENTIAL_INVALID: (c: { name: string; from: string }): ErrorText => ({
    kind: 'misuse',
    message: `${c.name} (from ${c.from}) is not base64.`,
    hint: `It must be the whole file in base64, for example the output of: base64 --wrap=0 FILE`,
  }),
  RELEASE_CREDENTIALS_PARTIAL: (c: {
    set: readonly string[];
    missing: readonly string[];
    file: string;
  }): ErrorText => ({
    kind: 'misuse',
    message: `Credentials that belong together are only partly set: ${c.missing.join(', ')} ${c.missing.length === 1 ? 'is' : 'are'} missing, while ${c.set.join(', ')} ${c.set.length === 1 ? 'is' : 'are'} there.`,
    hint: `Set all of them, in ${c.file} or in the environment, or none, which skips what needs them. Nothing was released.`,
  }),
  RELEASE_PUBLISHER_INVALID: (c: { file: string; reason: string }): ErrorText => ({
    kind: 'misuse',
    message: `The container image that publishes images is not known: ${c.file}: ${c.reason}.`,
    hint: 'The file has the reference of the image and nothing else.',
  }),
  RELEASE_PRODUCTS_UNREADABLE: (c: { file: string; reason: string }): ErrorText => ({
    kind: 'misuse',
    message: `${c.file} with the product ids of the marketplace cannot be read: ${c.reason}.`,
    hint: `It is not part of the tree: put it into its root before 'offers' is run, or leave out that phase. Nothing was released.`,
  }),
  RELEASE_PRODUCTS_MISSING: (c: { file: string; missing: readonly string[] }): ErrorText => ({
    kind: 'misuse',
    message: `${c.file} has no product id for ${c.missing.join(', ')}.`,
    hint: 'The marketplace cannot publish without. Add it, or leave out the phase offers. Nothing was released.',
  }),
  RELEASE_CACHE_URL_MISSING: (_: Record<string, never>): ErrorText => ({
    kind: 'misuse',
    message: 'What is copied to the buckets is read over HTTP, and there is no URL of the artifact cache.',
    hint: 'Set BUILDCACHE_SERVER, or BUILDCACHE_URL if the URL is another one.',
  }),
  RELEASE_CACHE_URL_SECRET: (_: Record<string, never>): ErrorText => ({
    kind: 'misuse',
    message:
      'BUILDCACHE_URL has a password in it, which everyone on the machine could read while the buckets are filled.',
    hint: 'Use a URL without one for the phases copy and sdk-copy.',
  }),
  RELEASE_LISTS_MISSING: (c: { folder: string; version: string }): ErrorText => ({
    kind: 'failure',
    message: `There are no lists of the images of ${c.version} in ${c.folder}.`,
    hint: "They are made by the phase 'pre-release'; run it for this version in this checkout.",
  }),
  RELEASE_LIST_INVALID: (c: { file: string; reason: string }): ErrorText => ({
    kind: 'failure',
    message: `The list of images ${c.file} is not as expected: ${c.reason}.`,
    hint: 'Expected is JSON such as {"amis":[{"name":"eu-west-1","hvm":"ami-0123"}]}. Run the phase pre-release again.',
  }),
  RELEASE_REGIONS_MISSING: (c: { file: string; missing: readonly string[] }): ErrorText => ({
    kind: 'failure',
    message: `The list of images ${c.file} has no image for ${c.missing.length === 1 ? 'the region' : 'the regions'} ${c.missing.join(', ')}.`,
    hint: 'A template with an empty entry is refused by AWS as a whole. Run the phase pre-release again, or take the region out of the tree description.',
  }),
  RELEASE_COPIES_FAILED: (c: { failed: readonly { what: string; reason: string }[]; total: number }): ErrorText => ({
    kind: 'failure',
    message: `${c.failed.length} of ${c.total} copies to the buckets failed: ${c.failed.map(({ what }) => what).join(', ')}.`,
    hint: [
      ...c.failed.map(({ what, reason }) => `${what}: ${reason}`),
      'Copying again only sends what is missing.',
    ].join('\n'),
  }),
} satisfies Record<string, (facts: never) => ErrorText>;
