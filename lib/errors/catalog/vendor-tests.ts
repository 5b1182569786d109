import type { ErrorText } from '../slipway-error.ts';

const someOf = (names: readonly string[]): string =>
  `${names.slice(0, 20).join(', ')}${names.length > 20 ? ` and ${names.length - 20} more` : ''}`;

/** Texts of the errors of running the tests that a tree brings along. */
export const vendorTestErrors = {
  VENDOR_UNKNOWN: (c: { vendor: string; known: readonly string[]; nearest?: string; folder: string }): ErrorText => ({
    kind: 'misuse',
    message: `There is no test script for '${c.vendor}'.${c.nearest ? ` Did you mean '${c.nearest}'?` : ''}`,
    hint: `The executable scripts in ${c.folder} are: ${c.known.length > 0 ? c.known.join(', ') : 'none'}`,
  }),
  TEST_FOLDER_INVALID: (c: { folder: string }): ErrorText => ({
    kind: 'misuse',
    message: `TEST_WORK_DIR is '${c.folder}'; it must be one name of a folder in the root of the tree.`,
    hint: 'Inside the container of the tests it is found by that name.',
  }),
  TEST_RUNS_INVALID: (c: { maxRetries: number }): ErrorText => ({
    kind: 'misuse',
    message: `MAX_RETRIES is ${c.maxRetries}; it is the total number of runs and must be 1 or more.`,
  }),
  TEST_IMAGE_UNKNOWN: (c: { file: string; reason: string }): ErrorText => ({
    kind: 'misuse',
    message: `It is not known which container image has the test tools: ${c.file} ${c.reason}.`,
    hint: 'Check out a complete tree, or set MANTLE_REF to the reference of the image.',
  }),
  TEST_CONTAINER_FAILED: (c: { image: string; container: string; lines: readonly string[] }): ErrorText => ({
    kind: 'failure',
    message: `The container ${c.container} of ${c.image} could not be started.`,
    hint: `${c.lines.map((line) => `  ${line}`).join('\n')}\nThe image is pulled before each run. What earlier runs left is in the test folder and published.`,
  }),
  VENDOR_TESTS_FAILED: (c: {
    vendor: string;
    failed: readonly string[];
    passed: number;
    runs: number;
    problems: readonly string[];
    report: string;
  }): ErrorText => ({
    kind: 'failure',
    message:
      c.failed.length > 0
        ? `${c.failed.length} of ${c.failed.length + c.passed} tests on ${c.vendor} never passed in ${c.runs} ${c.runs === 1 ? 'run' : 'runs'}.`
        : `The results of the tests on ${c.vendor} are not complete after ${c.runs} ${c.runs === 1 ? 'run' : 'runs'}.`,
    hint: [
      ...(c.failed.length > 0 ? [`Failed: ${someOf(c.failed)}`] : []),
      ...c.problems.map((problem) => `The last TAP file is not whole: ${problem}.`),
      `Report: ${c.report}`,
    ].join('\n'),
  }),
} satisfies Record<string, (facts: never) => ErrorText>;
