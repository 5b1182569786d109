import { testPath } from './layers.ts';

/** What `npm test -- …` asks for. */
export interface TestRequest {
  /** Only the fast layer. */
  readonly fast: boolean;
  /** Paths of tests below the checkout; none means all tests. */
  readonly paths: readonly string[];
  /** Everything else, for jest. */
  readonly jestArgs: readonly string[];
  /** Words that look like paths and are none. */
  readonly unknown: readonly string[];
}

/** Options of jest that take the next word; that word is not a path. */
const WITH_VALUE = new Set(['-t', '--testNamePattern', '--maxWorkers', '-w', '--testTimeout', '--shard', '--seed']);

/**
 * Sorts the words of the command line.
 *
 * @param root absolute path of the checkout
 * @param cwd where the words were typed; npm starts scripts in the checkout
 */
export const parseTestRequest = (argv: readonly string[], root: string, cwd: string): TestRequest => {
  const request = { fast: false, paths: [] as string[], jestArgs: [] as string[], unknown: [] as string[] };
  argv.forEach((word, at) => {
    if (word === '--fast') request.fast = true;
    else if (word.startsWith('-') || WITH_VALUE.has(argv[at - 1] ?? '')) request.jestArgs.push(word);
    else {
      const path = testPath(word, root, cwd);
      if (path === undefined) request.unknown.push(word);
      else request.paths.push(path);
    }
  });
  return request;
};
