import { test } from '@jest/globals';

/** Tests that build on each other. */
export interface Story {
  /** A test that is only worth running when all before it passed. */
  chapter(name: string, body: () => Promise<void> | void, timeoutMs?: number): void;
  /** Whether a chapter failed. */
  hasFailed(): boolean;
}

/** Without a stack: the one that matters is that of the chapter that failed. */
const notTried = (failedIn: string): Error => {
  const error = new Error(`not tried, because this failed: ${failedIn}`);
  error.stack = error.message;
  return error;
};

/** Call once per test file. */
export const beginStory = (): Story => {
  let failedIn: string | undefined;
  return {
    chapter(name, body, timeoutMs = 60_000) {
      test(
        name,
        async () => {
          if (failedIn !== undefined) throw notTried(failedIn);
          // Until it has passed: a chapter that runs into its time limit does not come back here.
          failedIn = name;
          await body();
          failedIn = undefined;
        },
        timeoutMs,
      );
    },
    hasFailed: () => failedIn !== undefined,
  };
};
