import { execFileSync } from 'node:child_process';
import { mkdirSync } from 'node:fs';
import { connect, createServer, type Server } from 'node:net';
import { userInfo } from 'node:os';

/** Whether this account may mount file systems and make network namespaces; those tests are left out otherwise. */
export const isRoot = userInfo().uid === 0;

/** A small disk. */
export interface SmallDisk {
  readonly dir: string;
  resize(megabytes: number): void;
  remove(): void;
}

const run = (program: string, ...args: string[]): void => {
  execFileSync(program, args, { stdio: ['ignore', 'ignore', 'pipe'] });
};

/** Mounts a file system in memory of so many megabytes. */
export const mountSmallDisk = (dir: string, megabytes: number): SmallDisk => {
  mkdirSync(dir, { recursive: true });
  run('mount', '-t', 'tmpfs', '-o', `size=${megabytes}m`, 'tmpfs', dir);
  return {
    dir,
    resize: (size) => run('mount', '-o', `remount,size=${size}m`, dir),
    remove: () => run('umount', '-l', dir),
  };
};

/** A network namespace with a line of its own to this machine. */
export interface TestNetwork {
  /** This machine's address, as the namespace sees it. */
  readonly address: string;
  /** To be put before a command that is to run in the namespace. */
  readonly command: readonly string[];
  /** What is connected to a port of {@link address} is led to that port of 127.0.0.1. */
  lead(port: number): Promise<void>;
  /** Pulls the plug, or puts it in again. */
  setUp(isUp: boolean): void;
  /** @param rate as tc(8) takes it, e.g. `20mbit` */
  throttle(rate: string): void;
  /** The same for what the namespace sends. */
  throttleUp(rate: string): void;
  remove(): void;
}

const TBF = ['root', 'tbf', 'rate'];
const BUCKET = ['burst', '64k', 'latency', '200ms'];

/** Makes it; throws where namespaces are not possible. */
export const makeNetwork = (): TestNetwork => {
  const id = process.pid % 60_000;
  const [name, ours, theirs] = [`slipway-${id}`, `slw${id}a`, `slw${id}b`];
  const [address, peer] = ['10.213.7.1', '10.213.7.2'];
  run('ip', 'netns', 'add', name);
  const servers: Server[] = [];
  const remove = (): void => {
    for (const server of servers) server.close();
    try {
      run('ip', 'link', 'del', ours);
    } catch {
      // It was never made.
    }
    run('ip', 'netns', 'del', name);
  };
  try {
    run('ip', 'link', 'add', ours, 'type', 'veth', 'peer', 'name', theirs, 'netns', name);
    run('ip', 'addr', 'add', `${address}/30`, 'dev', ours);
    run('ip', 'link', 'set', ours, 'up');
    run('ip', '-n', name, 'addr', 'add', `${peer}/30`, 'dev', theirs);
    run('ip', '-n', name, 'link', 'set', theirs, 'up');
    run('ip', '-n', name, 'link', 'set', 'lo', 'up');
  } catch (error) {
    remove();
    throw error;
  }
  return {
    address,
    command: ['ip', 'netns', 'exec', name],
    lead: (port) =>
      new Promise((resolve, reject) => {
        const server = createServer((client) => {
          const target = connect(port, '127.0.0.1');
          client.pipe(target).pipe(client);
          client.on('error', () => target.destroy());
          target.on('error', () => client.destroy());
        });
        servers.push(server);
        server.on('error', reject);
        server.listen(port, address, resolve);
      }),
    setUp: (isUp) => run('ip', 'link', 'set', ours, isUp ? 'up' : 'down'),
    throttle: (rate) => run('tc', 'qdisc', 'replace', 'dev', ours, ...TBF, rate, ...BUCKET),
    throttleUp: (rate) =>
      run('ip', 'netns', 'exec', name, 'tc', 'qdisc', 'replace', 'dev', theirs, ...TBF, rate, ...BUCKET),
    remove,
  };
};
