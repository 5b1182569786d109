import type { ErrorText } from '../slipway-error.ts';

/** Texts of doctor's own errors; what it finds out about a machine is no error but a report. */
export const doctorErrors = {
  DOCTOR_CHECK_UNKNOWN: (c: { check: string; known: readonly string[]; nearest: string | undefined }): ErrorText => ({
    kind: 'misuse',
    message: `There is no check '${c.check}'.${c.nearest ? ` Did you mean '${c.nearest}'?` : ''}`,
    hint: `Checks: ${c.known.join(', ')}`,
  }),
} satisfies Record<string, (facts: never) => ErrorText>;
