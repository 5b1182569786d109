/** Gives what was put in, smallest first; what is equal comes in the order in which it was put in. */
export interface Heap<T> {
  readonly size: number;
  put(key: number, value: T): void;
  /** The smallest key; Infinity when it is empty. */
  nextKey(): number;
  take(): T | undefined;
}

interface Entry<T> {
  readonly key: number;
  readonly order: number;
  readonly value: T;
}

const isBefore = <T>(a: Entry<T>, b: Entry<T>): boolean => a.key < b.key || (a.key === b.key && a.order < b.order);

/** A binary heap. */
export const createHeap = <T>(): Heap<T> => {
  const entries: Entry<T>[] = [];
  let puts = 0;
  const at = (index: number): Entry<T> => entries[index] as Entry<T>;
  const swap = (a: number, b: number): void => {
    [entries[a], entries[b]] = [at(b), at(a)];
  };
  const rise = (from: number): void => {
    for (let index = from; index > 0; ) {
      const above = (index - 1) >> 1;
      if (!isBefore(at(index), at(above))) return;
      swap(index, above);
      index = above;
    }
  };
  const sink = (): void => {
    for (let index = 0; ; ) {
      const children = [2 * index + 1, 2 * index + 2].filter((child) => child < entries.length);
      const smallest = children.reduce((best, child) => (isBefore(at(child), at(best)) ? child : best), index);
      if (smallest === index) return;
      swap(index, smallest);
      index = smallest;
    }
  };
  return {
    get size() {
      return entries.length;
    },
    put(key, value) {
      entries.push({ key, order: puts, value });
      puts += 1;
      rise(entries.length - 1);
    },
    nextKey: () => entries[0]?.key ?? Number.POSITIVE_INFINITY,
    take() {
      const [first] = entries;
      const last = entries.pop();
      if (entries.length > 0 && last) {
        entries[0] = last;
        sink();
      }
      return first?.value;
    },
  };
};
