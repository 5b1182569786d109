import type { ErrorText } from '../slipway-error.ts';

/** Texts of the errors of reproducing, comparing and searching builds. */
export const reproduceErrors = {
  REPRODUCE_NOTHING: (c: { version: string; what: string; location: string; known: readonly string[] }): ErrorText => ({
    kind: 'failure',
    message: `${c.location} has no statement on ${c.what} of ${c.version}, so nobody can say how it was made.`,
    hint:
      c.known.length > 0
        ? `It has statements on: ${c.known.join(', ')}.`
        : "Check the version (npm run cache -- ls lists those that are there) and the BUILDCACHE_ settings. 'latest' stands for the newest one.",
  }),
  REPRODUCE_SOURCE_UNKNOWN: (c: { version: string; tried: readonly string[] }): ErrorText => ({
    kind: 'failure',
    message: `No repository was found that has the tag of ${c.version}.`,
    hint: [...c.tried.map((one) => `Tried: ${one}`), 'Name it: --repository URL'].join('\n'),
  }),
  REPRODUCE_TAG_MOVED: (c: { tag: string; repository: string; commit: string; stated: string }): ErrorText => ({
    kind: 'unverified',
    message: `The tag ${c.tag} of ${c.repository} is at commit ${c.commit}, but ${c.stated} was built.`,
    hint: 'Somebody moved the tag, or this is another repository: --repository URL',
  }),
  REPRODUCE_UNTRUSTED: (c: { version: string; faults: readonly string[] }): ErrorText => ({
    kind: 'unverified',
    message: `The statement on ${c.version} does not verify: ${c.faults[0]}.`,
    hint: [...c.faults.slice(1), 'Check TRUSTED_KEYS; do not use what such a statement says.'].join('\n'),
  }),
  REPRODUCE_INPUT_DIFFERS: (c: { path: string; found: string; stated: string }): ErrorText => ({
    kind: 'unverified',
    message: `${c.path} is ${c.found} now, but the build that is to be reproduced consumed ${c.stated}.`,
    hint: 'What is published does not change; somebody replaced it.',
  }),
  REPRODUCE_PUBLISHED_DIFFERS: (c: { path: string; found: string; stated: string }): ErrorText => ({
    kind: 'unverified',
    message: `${c.path} in the cache has the sha256 ${c.found}, but ${c.stated} was published.`,
    hint: 'The published artifact is damaged or was replaced: do not use it.',
  }),
  REPRODUCE_NOT_FETCHED: (c: { version: string; missing: readonly string[] }): ErrorText => ({
    kind: 'failure',
    message: `Without the network ${c.version} cannot be reproduced here: ${c.missing[0]}.`,
    hint: [
      ...c.missing.slice(1).map((one) => `Also: ${one}`),
      `With a network: npm run reproduce -- ${c.version} --fetch-only`,
    ].join('\n'),
  }),
  REPRODUCE_STEP_FAILED: (c: { step: string; exitCode: number; tree: string }): ErrorText => ({
    kind: 'failure',
    message: `${c.step} ended with exit code ${c.exitCode} here, so there is nothing to compare.`,
    hint: `Its log is above; the checkout that it ran in is ${c.tree}.`,
  }),
  REPRODUCTION_DIFFERS: (c: { version: string; differing: readonly string[]; report: string }): ErrorText => ({
    kind: 'failure',
    message: `${c.version} was built again and is not the same: ${c.differing.length} of its artifacts differ, first ${c.differing[0]}.`,
    hint: `What differs is above, all of it in ${c.report}`,
  }),
  DIFF_NOT_PUBLISHED: (c: { version: string; what: string; location: string }): ErrorText => ({
    kind: 'failure',
    message: `${c.version} has no images to compare: ${c.location} has not ${c.what}.`,
    hint: 'Check the version (npm run cache -- ls lists those that are there), --arch, --format and the BUILDCACHE_ settings.',
  }),
  BISECT_END_WRONG: (c: { version: string; end: 'good' | 'bad'; test: string; verdict: string }): ErrorText => ({
    kind: 'failure',
    message: `${c.version} was said to be ${c.end}, but ${c.test} says: ${c.verdict}.`,
    hint: 'Between two versions of which the first is not good or the last not bad nothing can be found. Its log is above.',
  }),
  BISECT_RANGE_WRONG: (c: { good: string; bad: string; reason: string }): ErrorText => ({
    kind: 'misuse',
    message: `Nothing can be searched between ${c.good} and ${c.bad}: ${c.reason}.`,
    hint: 'GOOD comes before BAD, both are published, and both have the image that is tested (npm run cache -- ls).',
  }),
} satisfies Record<string, (facts: never) => ErrorText>;
