import type { ErrorText } from '../slipway-error.ts';

const MAX_NAMED = 30;

const listed = (lines: readonly string[]): string => {
  const more = lines.length > MAX_NAMED ? [`… and ${lines.length - MAX_NAMED} more`] : [];
  return [...lines.slice(0, MAX_NAMED), ...more].map((line) => `  ${line}`).join('\n');
};

/** Texts of the errors of garbage collection. */
export const retentionErrors = {
  COLLECTOR_UNKNOWN: (c: { collector: string; known: readonly string[]; nearest?: string }): ErrorText => ({
    kind: 'misuse',
    message: `There is no collector '${c.collector}'.${c.nearest ? ` Did you mean '${c.nearest}'?` : ''}`,
    hint: `The collectors are: ${c.known.join(', ')}`,
  }),
  GARBAGE_NUMBER_INVALID: (c: { name: string; value: string; least: number }): ErrorText => ({
    kind: 'misuse',
    message: `${c.name} cannot be ${JSON.stringify(c.value)}; expected a whole number${c.least > 0 ? ` from ${c.least} on` : ''}.`,
    hint: 'Nothing was deleted. garbage_collect --help says what the numbers mean.',
  }),
  GARBAGE_NUMBERS_MEANINGLESS: (c: { collectors: readonly string[]; seen: readonly string[] }): ErrorText => ({
    kind: 'misuse',
    message: `What the numbers ${c.seen.join(' ')} mean cannot be said for the collectors ${c.collectors.join(', ')}.`,
    hint: 'Numbers go with builds, or with pr-sdks or releases alone. Call the collectors one by one.',
  }),
  PURGE_VERSION_INVALID: (c: { word: string; reason: string }): ErrorText => ({
    kind: 'misuse',
    message: `PURGE_VERSIONS has ${JSON.stringify(c.word)}, which cannot be purged: ${c.reason}.`,
    hint: 'Nothing was deleted. Expected whole tags of development builds, for example main-4799.0.0-nightly-20260821-2100.',
  }),
  PURGE_NOTHING_FOUND: (c: { words: readonly string[] }): ErrorText => ({
    kind: 'failure',
    message:
      c.words.length === 0
        ? 'PURGE_VERSIONS is set and names no version.'
        : `No tag has any of the versions in PURGE_VERSIONS: ${c.words.join(', ')}.`,
    hint: 'Nothing was deleted for it. They may be gone already; unset PURGE_VERSIONS to collect by number and age.',
  }),
  CACHE_EMPTY: (c: { location: string }): ErrorText => ({
    kind: 'failure',
    message: `The artifact cache ${c.location} is empty or not there, so no tag was deleted.`,
    hint: 'Check BUILDCACHE_SERVER and BUILDCACHE_PATH_PREFIX (or BUILDCACHE_DIR), and that the disk of the server is mounted.',
  }),
  ORPHANS_DOUBTFUL: (c: { doubts: readonly string[]; remove: readonly string[] }): ErrorText => ({
    kind: 'failure',
    message: `Orphans are not deleted: ${c.doubts.slice(0, 3).join('; ')}${c.doubts.length > 3 ? `; and ${c.doubts.length - 3} more reasons` : ''}.`,
    hint: `Are the tags complete on the remote, and is it the right cache? If these are really to go, run again with --only orphans --yes-really:\n${listed(c.remove)}`,
  }),
  RELEASE_FEED_UNUSABLE: (c: { feed: string; reason: string }): ErrorText => ({
    kind: 'failure',
    message: `The list of releases ${c.feed} cannot be used: ${c.reason}. No release was deleted.`,
    hint: 'Check RELEASES_JSON_FEED: expected a JSON object with versions as keys.',
  }),
  CLOUD_IMAGE_UNREADABLE: (c: { file: string; reason: string }): ErrorText => ({
    kind: 'failure',
    message: `The container image of the cloud collector cannot be read from ${c.file}: ${c.reason}.`,
    hint: 'Expected one line with the reference of the image.',
  }),
  GARBAGE_LEFT: (c: { failures: readonly string[] }): ErrorText => ({
    kind: 'failure',
    message: `${c.failures.length} parts of the garbage collection failed; all others were done.`,
    hint: `${c.failures.join('\n')}\nRunning it again takes up what is left.`,
  }),
} satisfies Record<string, (facts: never) => ErrorText>;
