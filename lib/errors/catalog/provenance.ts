import type { ErrorText } from '../slipway-error.ts';

/** Texts of the provenance errors. */
export const provenanceErrors = {
  PROVENANCE_INVALID: (c: { path: string; reason: string }): ErrorText => ({
    kind: 'unverified',
    message: `${c.path} is no statement on what a step made: ${c.reason}.`,
    hint: 'Expected: a DSSE envelope with an in-toto statement and SLSA provenance, as the steps write it (docs/provenance.md).',
  }),
  PROVENANCE_MISPLACED: (c: { path: string; belongs: string }): ErrorText => ({
    kind: 'unverified',
    message: `${c.path} has the statement that belongs to ${c.belongs}.`,
    hint: 'Somebody put a statement of another version, step or run there, or changed what it says.',
  }),
  PROVENANCE_BROKEN: (c: { version: string; faults: readonly string[] }): ErrorText => ({
    kind: 'unverified',
    message: `The origin of ${c.version} does not verify: ${c.faults[0]}.`,
    hint: [
      ...c.faults.slice(1).map((fault) => `Also: ${fault}.`),
      'Do not use what hangs on such a link. Build it again, or put it back from a copy that verifies.',
    ].join('\n'),
  }),
  PROVENANCE_GAP: (c: { version: string; trustedKeys: string; gaps: readonly string[] }): ErrorText => ({
    kind: 'unverified',
    message: `The origin of ${c.version} is not known all the way: ${c.gaps[0]}.`,
    hint: [
      ...c.gaps.slice(1).map((gap) => `Also: ${gap}.`),
      `With the trusted keys in ${c.trustedKeys} every link must be stated and signed.`,
      'When it is known why they are missing (built by other tools, deleted as garbage): --allow-gaps.',
    ].join('\n'),
  }),
  PROVENANCE_NOTHING: (c: { what: string; location: string }): ErrorText => ({
    kind: 'failure',
    message: `There is nothing to verify: ${c.location} has neither ${c.what} nor a statement on it.`,
    hint: 'Check the version, --arch and --image, and the BUILDCACHE_ settings.',
  }),
} satisfies Record<string, (facts: never) => ErrorText>;
