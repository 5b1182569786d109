import type { Clock } from './clock.ts';
import { createHeap, type Heap } from './heap.ts';
import type { Link } from './link.ts';

/** Moves bytes over links that all transfers at the time share fairly. */
export interface Network {
  /**
   * Starts a transfer.
   *
   * @param path the links that it goes over
   * @param done is called when the last byte is there
   */
  send(bytes: number, path: readonly Link[], done: () => void): void;
  /** How many are under way. */
  active(): number;
}

/** Transfers with the same path have the same rate at each time, so they are kept as one: its `served` grows, and each ends at a mark. */
interface Group {
  readonly path: readonly Link[];
  /** Bytes that each of its transfers would have got since the beginning. */
  served: number;
  /** Bytes per second and transfer. */
  rate: number;
  readonly ends: Heap<() => void>;
}

/** Less than this is nothing: as exact as times are after months of simulated seconds. */
const TINY_BYTES = 1;

/**
 * Max-min fair rates: all grow alike until a link is full; its transfers stay at that, the others go on.
 *
 * @param ownLimit bytes per second of one transfer: the worker's own line
 */
export const assignRates = (groups: readonly Group[], ownLimit: number): void => {
  const left = new Map<Link, number>();
  for (const { path } of groups) for (const link of path) left.set(link, link.bytesPerSecond);
  let open = groups.filter(({ ends }) => ends.size > 0);
  while (open.length > 0) {
    const users = new Map<Link, number>();
    for (const { path, ends } of open) {
      for (const link of path) users.set(link, (users.get(link) ?? 0) + ends.size);
    }
    const shareOf = (link: Link): number => (left.get(link) ?? 0) / (users.get(link) ?? 1);
    const narrowest = Math.min(...[...users.keys()].map(shareOf));
    const rate = Math.min(ownLimit, narrowest);
    const isFixed = ({ path }: Group): boolean => rate === ownLimit || path.some((link) => shareOf(link) <= rate);
    const fixed = open.filter(isFixed);
    open = open.filter((group) => !fixed.includes(group));
    for (const group of fixed) {
      group.rate = rate;
      for (const link of group.path) left.set(link, Math.max(0, (left.get(link) ?? 0) - rate * group.ends.size));
    }
  }
};

/** @param ownLimit bytes per second of one transfer at most */
export const createNetwork = (clock: Clock, ownLimit: number): Network => {
  const groups = new Map<string, Group>();
  let lastSeconds = 0;
  let plan = 0;

  const groupFor = (path: readonly Link[]): Group => {
    const key = path.map(({ name }) => name).join(' ');
    const found = groups.get(key);
    if (found) return found;
    const group: Group = { path, served: 0, rate: 0, ends: createHeap() };
    groups.set(key, group);
    return group;
  };

  const advance = (): void => {
    const seconds = clock.now() - lastSeconds;
    if (seconds <= 0) return;
    for (const group of groups.values()) {
      if (group.ends.size === 0) continue;
      group.served += group.rate * seconds;
      for (const link of group.path) link.count(lastSeconds, clock.now(), group.rate * seconds * group.ends.size);
    }
    lastSeconds = clock.now();
  };

  const finish = (): (() => void)[] => {
    const done: (() => void)[] = [];
    for (const group of groups.values()) {
      while (group.ends.nextKey() <= group.served + TINY_BYTES) done.push(group.ends.take() as () => void);
      // Small again, so that the marks stay exact.
      if (group.ends.size === 0) group.served = 0;
    }
    return done;
  };

  /** New rates, and the next end with them; an end that was planned before counts no more. */
  const replan = (): void => {
    const active = [...groups.values()].filter(({ ends }) => ends.size > 0);
    if (active.length === 0) return;
    assignRates(active, ownLimit);
    plan += 1;
    const mine = plan;
    const seconds = Math.min(...active.map(({ ends, served, rate }) => (ends.nextKey() - served) / rate));
    clock.at(clock.now() + Math.max(0, seconds), () => {
      if (mine === plan) step();
    });
  };

  const step = (): void => {
    advance();
    const done = finish();
    replan();
    for (const call of done) call();
  };

  return {
    send(bytes, path, done) {
      if (bytes <= 0) {
        clock.at(clock.now(), done);
        return;
      }
      advance();
      const group = groupFor(path);
      group.ends.put(group.served + bytes, done);
      replan();
    },
    active: () => [...groups.values()].reduce((sum, { ends }) => sum + ends.size, 0),
  };
};
