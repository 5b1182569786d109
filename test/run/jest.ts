import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { runChild } from './child.ts';
import type { Layer } from './layers.ts';
import type { Tally } from './tally.ts';

/** How to run one layer. */
export interface JestOptions {
  /** Absolute path of the checkout. */
  readonly root: string;
  readonly env: Readonly<Record<string, string | undefined>>;
  /** Paths of tests below the checkout; none means the whole layer. */
  readonly paths: readonly string[];
  readonly jestArgs: readonly string[];
  readonly write: (text: string) => void;
}

/** How jest begins when something still runs after the last test, whatever time it is given. Without --forceExit it would then wait for ever. */
const DID_NOT_EXIT = 'Jest did not exit ';

/** The same for a worker process, which jest kills. */
const WORKER_DID_NOT_EXIT = 'A worker process has failed to exit gracefully';

/** After that, this is how long it may still take to end. */
const EXIT_GRACE_MS = 2000;

/** The machine-independent part of jest's result file. */
interface JestResult {
  readonly numPassedTests: number;
  readonly numFailedTests: number;
  readonly numPendingTests: number;
  readonly numTodoTests: number;
  /** Files that could not even be loaded. */
  readonly numRuntimeErrorTestSuites: number;
}

const command = (layer: Layer, resultFile: string, options: JestOptions): string[] => [
  process.execPath,
  '--disable-warning=ExperimentalWarning',
  '--experimental-vm-modules',
  join(options.root, 'node_modules/jest/bin/jest.js'),
  ...['--selectProjects', layer.name, '--passWithNoTests', '--json', '--outputFile', resultFile],
  ...(layer.workers === 1 ? ['--runInBand'] : [`--maxWorkers=${layer.workers}`]),
  ...options.jestArgs,
  ...(options.paths.length > 0 ? ['--testPathPatterns', ...options.paths.map(asPattern)] : []),
];

/** jest takes regular expressions of absolute paths. */
const asPattern = (path: string): string => `/${path.replaceAll(/[.*+?^${}()|[\]\\]/g, '\\$&')}(/|$)`;

const readResult = async (file: string): Promise<Tally | undefined> => {
  try {
    const result = JSON.parse(await readFile(file, 'utf8')) as JestResult;
    return {
      passed: result.numPassedTests,
      failed: result.numFailedTests + result.numRuntimeErrorTestSuites,
      skipped: result.numPendingTests + result.numTodoTests,
    };
  } catch {
    return undefined;
  }
};

/**
 * Runs one layer with jest. What jest's numbers leave out counts as a failure of its own: a jest that dies, and tests that leave
 * something running behind.
 */
export const runLayer = async (layer: Layer, options: JestOptions): Promise<Tally> => {
  const folder = await mkdtemp(join(tmpdir(), 'slipway-test-'));
  const resultFile = join(folder, 'result.json');
  try {
    const { exitCode, output } = await runChild(command(layer, resultFile, options), {
      cwd: options.root,
      env: options.env,
      onOutput: (text) => options.write(text.replace(/^Test results written to: .*\n/m, '')),
      endsAfter: { text: DID_NOT_EXIT, graceMs: EXIT_GRACE_MS },
    });
    const tally = await readResult(resultFile);
    const faults = [];
    if (output.includes(DID_NOT_EXIT) || output.includes(WORKER_DID_NOT_EXIT)) {
      faults.push('the tests leave something running (open handles): a timer, a server, a child process');
    }
    if (tally === undefined) faults.push(`jest ended with ${exitCode ?? 'a signal'} and left no result`);
    else if (exitCode !== 0 && tally.failed === 0 && faults.length === 0) faults.push(`jest ended with ${exitCode}`);
    for (const fault of faults) options.write(`FAIL ${layer.name}: ${fault}\n`);
    const { passed = 0, failed = 0, skipped = 0 } = tally ?? {};
    return { passed, failed: failed + faults.length, skipped };
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
};
