/**
 * Runs work on items, a few at a time, in order of the list. One that fails does not stop the others.
 * @param items work list
 * @param width how many run at the same time
 * @param work done once per item
 * @returns outcome per item, in the order of the list
 */
export async function runPool<T, R>(
  items: T[],
  width: number,
  work: (item: T) => Promise<R>,
): Promise<PromiseSettledResult<R>[]> {
  const results: PromiseSettledResult<R>[] = [];
  const queue = items.entries();
  const worker = async (): Promise<void> => {
    for (const [index, item] of queue) {
      results[index] = await work(item).then(
        (value) => ({ status: 'fulfilled', value }) as const,
        (reason: unknown) => ({ status: 'rejected', reason }) as const,
      );
    }
  };
  await Promise.all(Array.from({ length: width }, worker));
  return results;
}
