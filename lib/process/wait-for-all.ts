/**
 * Like `Promise.all`, but waits until all have ended before it throws the first error: what is freed after a failure must not be in use any more.
 *
 * @returns the results in the order of the promises
 */
export const waitForAll = async <const Values extends readonly unknown[]>(
  promises: {
    readonly [At in keyof Values]: Promise<Values[At]>;
  },
): Promise<Values> => {
  const ends = await Promise.allSettled(promises);
  return ends.map((end) => {
    if (end.status === 'rejected') throw end.reason;
    return end.value;
  }) as unknown as Values;
};
