import type { Sizes, Version } from './bytes.ts';
import type { Clock } from './clock.ts';
import { createLink, type Link } from './link.ts';
import { createNetwork } from './network.ts';
import type { Parameters } from './parameters.ts';

/** How cache servers and sites are connected. */
export interface Topology {
  readonly sites: number;
  /** Servers that share the lines of nightlies and the pull requests between them. */
  readonly servers: number;
  /** A mirror at each site, which fetches from the server what it does not have yet and keeps it. */
  readonly mirrors: boolean;
}

/** The cache as workers see it: reading and publishing take the time that the lines need. */
export interface CacheLines {
  /** @param bytes what the reader itself needs of it */
  read(version: Version, bytes: number, site: number, done: () => void): void;
  publish(version: Version, bytes: number, site: number, done: () => void): void;
  /** What servers send, all of them. */
  readonly serverOut: readonly Link[];
  readonly serverIn: readonly Link[];
  readonly mirrorOut: readonly Link[];
}

const BYTES_PER_MEGABIT = 1_000_000 / 8;

/** All builds of a line stay together on one server: a container image is found beside what it is built on. */
const serverOf = ({ line }: Version, servers: number): number => line % servers;

const times = <T>(count: number, make: (position: number) => T): T[] =>
  Array.from({ length: count }, (_, position) => make(position));

/** The mirror of a site: what it has, and who waits for what it is just fetching. */
interface Mirror {
  readonly out: Link;
  readonly has: Set<string>;
  readonly series: Map<string, Version>;
  readonly waiting: Map<string, (() => void)[]>;
}

/**
 * Lays the lines of a topology: servers, sites and mirrors, each as fast as the parameters say. Nothing is sent before somebody reads or publishes.
 *
 * @param clock when transfers end is told to it
 * @param sizes what a mirror has to fetch of a version, by what it has
 */
export const openLines = (clock: Clock, { lines }: Parameters, topology: Topology, sizes: Sizes): CacheLines => {
  const line = (name: string, megabits: number): Link => createLink(name, megabits * BYTES_PER_MEGABIT);
  const network = createNetwork(clock, lines.worker * BYTES_PER_MEGABIT);
  const serverOut = times(topology.servers, (server) => line(`server-out-${server}`, lines.server));
  const serverIn = times(topology.servers, (server) => line(`server-in-${server}`, lines.server));
  const siteIn = times(topology.sites, (site) => line(`site-in-${site}`, lines.site));
  const siteOut = times(topology.sites, (site) => line(`site-out-${site}`, lines.site));
  const mirrors = times(
    topology.mirrors ? topology.sites : 0,
    (site): Mirror => ({
      out: line(`mirror-${site}`, lines.mirror),
      has: new Set(),
      series: new Map(),
      waiting: new Map(),
    }),
  );
  /** One site is where the server is. */
  const over = (server: Link | undefined, between: Link | undefined): Link[] =>
    [server, topology.sites > 1 ? between : undefined].filter((link) => link !== undefined);
  const down = (version: Version, site: number): Link[] =>
    over(serverOut[serverOf(version, topology.servers)], siteIn[site]);

  /** All readers of a site that want what the mirror does not have wait for one transfer. */
  const fill = (mirror: Mirror, version: Version, site: number, done: () => void): void => {
    const waiting = mirror.waiting.get(version.id);
    if (waiting) {
      waiting.push(done);
      return;
    }
    mirror.waiting.set(version.id, [done]);
    const known = mirror.series.get(version.series);
    network.send(sizes.read(version, known), down(version, site), () => {
      mirror.has.add(version.id);
      if (!known || known.night < version.night) mirror.series.set(version.series, version);
      const calls = mirror.waiting.get(version.id) ?? [];
      mirror.waiting.delete(version.id);
      for (const call of calls) call();
    });
  };

  return {
    serverOut,
    serverIn,
    mirrorOut: mirrors.map(({ out }) => out),
    read(version, bytes, site, done) {
      const mirror = mirrors[site];
      if (!mirror) {
        network.send(bytes, down(version, site), done);
        return;
      }
      const local = (): void => network.send(bytes, [mirror.out], done);
      if (bytes === 0 || mirror.has.has(version.id)) local();
      else fill(mirror, version, site, local);
    },
    publish(version, bytes, site, done) {
      network.send(bytes, over(serverIn[serverOf(version, topology.servers)], siteOut[site]), done);
    },
  };
};
