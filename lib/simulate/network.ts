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

/** A link with what is worked out for it. */
interface Line {
  readonly link: Link;
  /** Bytes per second that nobody has yet. */
  left: number;
  /** Transfers that have no rate yet. */
  users: number;
}

/** Transfers with the same path have the same rate at each time, so they are kept as one: its `served` grows, and each ends at a mark. */
export interface Group {
  readonly lines: readonly Line[];
  /** Bytes that each of its transfers would have got since the beginning. */
  served: number;
  /** Bytes per second and transfer. */
  rate: number;
  /** Has its rate. */
  isFixed: boolean;
  readonly ends: Heap<() => void>;
}

/** Less than this is nothing: as exact as times are after months of simulated seconds. */
const TINY_BYTES = 1;

/** Shares that differ less are the same. */
const ROUNDING = 1 + 1e-9;

const shareOf = ({ left, users }: Line): number => left / users;

/** What a transfer of this group can have at most, as things are. */
const leastShare = ({ lines }: Group): number =>
  lines.reduce((least, line) => Math.min(least, shareOf(line)), Infinity);

/**
 * Max-min fair rates: all grow alike until a link is full; its transfers stay at that, the others go on.
 *
 * @param groups those that have transfers
 * @param ownLimit bytes per second of one transfer: the worker's own line
 */
export const assignRates = (groups: readonly Group[], ownLimit: number): void => {
  for (const { lines } of groups) {
    for (const line of lines) {
      line.left = line.link.bytesPerSecond;
      line.users = 0;
    }
  }
  for (const group of groups) {
    group.isFixed = false;
    for (const line of group.lines) line.users += group.ends.size;
  }
  for (let open = groups; open.length > 0; open = open.filter(({ isFixed }) => !isFixed)) {
    const rate = open.reduce((least, group) => Math.min(least, leastShare(group)), ownLimit);
    // First all that are at their limit, then what is left for others.
    for (const group of open) group.isFixed = rate === ownLimit || leastShare(group) <= rate * ROUNDING;
    for (const group of open) {
      if (!group.isFixed) continue;
      group.rate = rate;
      for (const line of group.lines) {
        line.left = Math.max(0, line.left - rate * group.ends.size);
        line.users -= group.ends.size;
      }
    }
  }
};

/** @param ownLimit bytes per second of one transfer at most */
export const createNetwork = (clock: Clock, ownLimit: number): Network => {
  const groups = new Map<string, Group>();
  const lines = new Map<Link, Line>();
  let lastSeconds = 0;
  let plan = 0;

  const lineOf = (link: Link): Line => {
    const line = lines.get(link) ?? { link, left: 0, users: 0 };
    lines.set(link, line);
    return line;
  };

  const groupFor = (path: readonly Link[]): Group => {
    const key = path.map(({ name }) => name).join(' ');
    const found = groups.get(key);
    if (found) return found;
    const group: Group = { lines: path.map(lineOf), served: 0, rate: 0, isFixed: false, ends: createHeap() };
    groups.set(key, group);
    return group;
  };

  const advance = (): void => {
    const seconds = clock.now() - lastSeconds;
    if (seconds <= 0) return;
    for (const group of groups.values()) {
      if (group.ends.size === 0) continue;
      group.served += group.rate * seconds;
      for (const { link } of group.lines) link.count(lastSeconds, clock.now(), group.rate * seconds * group.ends.size);
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
