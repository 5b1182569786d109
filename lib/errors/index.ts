import { cacheErrors } from './catalog/cache.ts';
import { cacheToolErrors } from './catalog/cache-tools.ts';
import { configErrors } from './catalog/config.ts';
import { containerErrors } from './catalog/container.ts';
import { dedupErrors } from './catalog/dedup.ts';
import { doctorErrors } from './catalog/doctor.ts';
import { patchErrors } from './catalog/patch.ts';
import { pipelineErrors } from './catalog/pipeline.ts';
import { processErrors } from './catalog/process.ts';
import { provenanceErrors } from './catalog/provenance.ts';
import { recordingErrors } from './catalog/recording.ts';
import { releaseErrors } from './catalog/release.ts';
import { reproduceErrors } from './catalog/reproduce.ts';
import { retentionErrors } from './catalog/retention.ts';
import { setupErrors } from './catalog/setup.ts';
import { signingErrors } from './catalog/signing.ts';
import { simulateErrors } from './catalog/simulate.ts';
import { stepErrors } from './catalog/step.ts';
import { tagErrors } from './catalog/tag.ts';
import { testingErrors } from './catalog/testing.ts';
import { vendorTestErrors } from './catalog/vendor-tests.ts';
import { versionErrors } from './catalog/version.ts';
import { type ErrorText, SlipwayError } from './slipway-error.ts';

export { type ErrorKind, exitCodeOf, SlipwayError } from './slipway-error.ts';

/** Every error code of Slipway and its text: a function from the facts to what the user reads. Codes are never renamed. */
export const catalog = {
  ...cacheErrors,
  ...cacheToolErrors,
  ...configErrors,
  ...containerErrors,
  ...dedupErrors,
  ...doctorErrors,
  ...patchErrors,
  ...pipelineErrors,
  ...processErrors,
  ...provenanceErrors,
  ...recordingErrors,
  ...releaseErrors,
  ...reproduceErrors,
  ...retentionErrors,
  ...setupErrors,
  ...signingErrors,
  ...simulateErrors,
  ...stepErrors,
  ...tagErrors,
  ...testingErrors,
  ...vendorTestErrors,
  ...versionErrors,
} as const;

/** A stable error code, for example `VERSION_INVALID`. */
export type ErrorCode = keyof typeof catalog;

type Facts<Code extends ErrorCode> = Parameters<(typeof catalog)[Code]>[0];

/**
 * Makes (does not throw) the error `code` from its facts.
 *
 * @param code an entry of the catalog
 * @param facts what the entry's text needs; kept as `error.data`
 * @param cause the error underneath, if there was one
 * @example throw slipwayError('VERSION_INVALID', { version: '1.2', reason: 'no channel' });
 */
export const slipwayError = <Code extends ErrorCode>(code: Code, facts: Facts<Code>, cause?: unknown): SlipwayError => {
  const text = (catalog[code] as (facts: Facts<Code>) => ErrorText)(facts);
  return new SlipwayError(code, text, facts as Readonly<Record<string, unknown>>, cause);
};

/** Whether `error` is the Slipway error `code`. */
export const isSlipwayError = (error: unknown, code: ErrorCode): error is SlipwayError =>
  error instanceof SlipwayError && error.code === code;
