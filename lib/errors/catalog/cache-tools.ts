import type { ErrorText } from '../slipway-error.ts';

/** So many show what is going on. */
const MOST_NAMED = 20;

const named = (lines: readonly string[]): string => {
  const more = lines.length > MOST_NAMED ? [`... and ${lines.length - MOST_NAMED} more`] : [];
  return [...lines.slice(0, MOST_NAMED), ...more].join('\n');
};

/** Texts of the errors of the operators' tools for the cache. */
export const cacheToolErrors = {
  CACHE_MANIFESTS_UNREADABLE: (c: { location: string; faults: readonly string[] }): ErrorText => ({
    kind: 'unverified',
    message: `${c.faults.length} image manifests in ${c.location} cannot be read, so nobody knows what they need. Nothing was deleted.`,
    hint: `${named(c.faults)}\nDelete these versions from the cache, and publish them again if somebody needs them ('cache verify' says more).`,
  }),
  CACHE_RECIPES_UNREADABLE: (c: { location: string; faults: readonly string[] }): ErrorText => ({
    kind: 'unverified',
    message: `${c.faults.length} recipes in ${c.location} that images need cannot be read, so nobody knows which packs belong to them. Nothing was deleted.`,
    hint: `${named(c.faults)}\nDelete these versions from the cache, and publish them again if somebody needs them.`,
  }),
  CACHE_DAMAGED: (c: { location: string; problems: readonly string[] }): ErrorText => ({
    kind: 'unverified',
    message: `${c.problems.length} files in ${c.location} are damaged or missing.`,
    hint: `${named(c.problems)}\n'cache repair' rebuilds what can be derived from the rest. Delete the versions for which that is not enough, and publish them again: what is published does not change by itself. Look at the disk of the server.`,
  }),
  CACHE_NO_SUCH_VERSION: (c: { version: string; location: string; known: readonly string[] }): ErrorText => ({
    kind: 'misuse',
    message: `${c.location} has no version ${JSON.stringify(c.version)}.`,
    hint: c.known.length === 0 ? 'It has no versions at all.' : `It has ${c.known.slice(0, MOST_NAMED).join(', ')}.`,
  }),
  CACHE_NO_SUCH_IMAGE: (c: { image: string; location: string; known: readonly string[] }): ErrorText => ({
    kind: 'misuse',
    message: `${c.location} has no image ${JSON.stringify(c.image)} in the deduplicated store.`,
    hint: c.known.length === 0 ? 'It has none at all.' : `It has ${c.known.slice(0, MOST_NAMED).join(', ')}.`,
  }),
  CACHE_TOOL_VALUE_INVALID: (c: { flag: string; value: string; reason: string }): ErrorText => ({
    kind: 'misuse',
    message: `${c.flag} cannot be ${JSON.stringify(c.value)}: ${c.reason}.`,
  }),
  CACHE_TOOL_FLAG_MEANINGLESS: (c: { flag: string; command: string }): ErrorText => ({
    kind: 'misuse',
    message: `'cache ${c.command}' has no ${c.flag}.`,
    hint: `'cache --help' lists the flags of each command.`,
  }),
  CACHE_EXPORT_FLAT: (c: { image: string; location: string; archive: string; format: string }): ErrorText => ({
    kind: 'misuse',
    message: `${c.location} has ${c.image} only as the archive ${c.archive}, not in the deduplicated store; it cannot be exported as ${c.format}.`,
    hint: "Copy the archive as it is (--format tar.zst if that is what it is), or put it into the deduplicated store first with 'cache import'.",
  }),
  CACHE_IMPORT_NAME: (c: { file: string; names: readonly string[] }): ErrorText => ({
    kind: 'misuse',
    message: `${c.file} does not say what its image is to be called${c.names.length > 0 ? `: it has the names ${c.names.join(', ')}` : ''}.`,
    hint: "Name it: 'cache import FILE NAME:VERSION'.",
  }),
} satisfies Record<string, (facts: never) => ErrorText>;
