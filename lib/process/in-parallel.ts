/**
 * Calls `work` for each item, at most `atOnce` at a time. After a failure nothing new is started; the first error is thrown when
 * all that was started has ended.
 *
 * @returns the results in the order of the items
 */
export const inParallel = async <Item, Value>(
  items: readonly Item[],
  atOnce: number,
  work: (item: Item) => Promise<Value>,
): Promise<Value[]> => {
  const results: Value[] = new Array(items.length);
  const queue = items.entries();
  const failures: unknown[] = [];
  const worker = async (): Promise<void> => {
    for (const [index, item] of queue) {
      if (failures.length > 0) return;
      try {
        results[index] = await work(item);
      } catch (error) {
        failures.push(error);
      }
    }
  };
  await Promise.all(Array.from({ length: Math.min(atOnce, items.length) }, worker));
  if (failures.length > 0) throw failures[0];
  return results;
};
