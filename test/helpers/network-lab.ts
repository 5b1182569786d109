import { execFileSync, spawn } from 'node:child_process';
import { closeSync, existsSync, openSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { endOf, firstProcessOf, holdNamespaces } from './held-namespaces.ts';

/** What a host's process is started with. */
export interface LabCommand {
  readonly command: readonly string[];
  readonly env?: Readonly<Record<string, string | undefined>>;
  /** Absolute; default `/`. */
  readonly cwd?: string;
  /** Where the program itself writes its log, when that is not its output. */
  readonly logFile?: string;
}

/** A daemon on a host. */
export interface LabProcess {
  /** All that it wrote so far. */
  log(): string;
  /** Waits until its log has this in it; throws when it ends before. */
  until(pattern: RegExp): Promise<void>;
  stop(signal?: NodeJS.Signals): Promise<void>;
}

/** A machine of the lab: a network of its own; files, users and programs are those of this machine. */
export interface LabHost {
  readonly name: string;
  readonly address: string;
  /** Runs a command to its end; returns its output. Throws when it fails. */
  run(command: LabCommand): string;
  /** Starts a daemon in the foreground and waits until its log says that it is ready. */
  start(command: LabCommand, ready: RegExp): Promise<LabProcess>;
}

/** Hosts on one switch, and their cables. */
export interface NetworkLab {
  host(name: string): LabHost;
  /** Pulls a host's cable at the switch, or puts it in again: the host itself does not notice, and nobody is told. */
  setUp(name: string, isUp: boolean): void;
  /** Takes away the way from one host to another, so that connecting fails at once, or gives it back; other ways stay. */
  setReachable(from: string, to: string, isReachable: boolean): void;
  /** What runs on the hosts, by its process id there. */
  signal(pid: number, signal: NodeJS.Signals): void;
  /** Ends all that runs in the lab, and the lab. */
  stop(): Promise<void>;
}

/** How long a daemon may take to start, on a machine that is busy. */
const START_MS = 60_000;

const POLL_MS = 50;

const readIfThere = (file: string): string => (existsSync(file) ? readFileSync(file, 'utf8') : '');

const addressOf = (position: number): string => `10.77.0.${10 + position}`;

/**
 * Set up from within new namespaces. The network of the first process is the switch: a bridge in the machine's own network would be at the mercy of what the
 * container engine filters there. A dead line is noticed within seconds: Buildbot relies on the kernel for that (docs/for-ci.md).
 */
const SETUP = `
mount --bind "$1" /etc/hosts
mkdir -p /run/netns /run/sshd
mount -t tmpfs tmpfs /run/netns
ip link set lo up
ip link add br0 type bridge
ip link set br0 up
number=10
shift
for name in "$@"; do
  ip netns add "$name"
  ip link add "$name" type veth peer name eth0 netns "$name"
  ip link set "$name" master br0 up
  ip -n "$name" addr add "10.77.0.$number/24" dev eth0
  ip -n "$name" link set eth0 up
  ip -n "$name" link set lo up
  ip netns exec "$name" sysctl -q -w net.ipv4.tcp_keepalive_time=1 net.ipv4.tcp_keepalive_intvl=1 net.ipv4.tcp_keepalive_probes=2 net.ipv4.tcp_retries2=3
  number=$((number + 1))
done
`;

/**
 * Builds a lab; needs root. Nothing of it is left when the tests end, however they end.
 *
 * @param folder temporary folder, for logs
 * @param names host names; each is resolved on every host, with and without `.lab`
 */
export const buildLab = async (folder: string, names: readonly string[]): Promise<NetworkLab> => {
  const hosts = join(folder, 'hosts');
  const lines = names.map((name, position) => `${addressOf(position)} ${name} ${name}.lab`);
  writeFileSync(hosts, ['127.0.0.1 localhost', ...lines, ''].join('\n'));
  const spaces = await holdNamespaces(SETUP, ['sh', hosts, ...names], ['--net']);
  const [program = '', ...inside] = spaces.command;
  let started = 0;

  const inLab = (...command: string[]): string =>
    execFileSync(program, [...inside, ...command], { encoding: 'utf8', stdio: ['ignore', 'pipe', 'pipe'] });

  const openHost = (name: string, position: number): LabHost => {
    const words = ({ command, cwd = '/' }: LabCommand): string[] => {
      const there = ['env', '-C', cwd, ...command];
      return [...inside, 'ip', 'netns', 'exec', name, ...there];
    };
    const envOf = ({ env }: LabCommand): NodeJS.ProcessEnv => ({ ...(env ?? { PATH: process.env.PATH }) });
    return {
      name,
      address: addressOf(position),
      run: (command) =>
        execFileSync(program, words(command), {
          encoding: 'utf8',
          stdio: ['ignore', 'pipe', 'pipe'],
          env: envOf(command),
        }),
      async start(command, ready) {
        started += 1;
        // Into a file: a daemon waits when its pipe is full, and a test that waits for another program reads none.
        const file = join(folder, `log-${started}-${name}`);
        const output = openSync(file, 'w');
        const child = spawn(program, words(command), { stdio: ['ignore', output, output], env: envOf(command) });
        closeSync(output);
        const logs = [file, ...(command.logFile === undefined ? [] : [command.logFile])];
        const log = (): string => logs.map(readIfThere).join('');
        const until = async (pattern: RegExp): Promise<void> => {
          const deadline = Date.now() + START_MS;
          while (!pattern.test(log())) {
            const hasEnded = child.exitCode !== null || child.signalCode !== null;
            if (hasEnded || Date.now() > deadline) {
              throw new Error(`${command.command[0]} on ${name} did not come to say ${pattern}:\n${log()}`);
            }
            await sleep(POLL_MS);
          }
        };
        await until(ready);
        return {
          log,
          until,
          // nsenter passes no signals on.
          stop: (signal = 'SIGTERM') =>
            endOf(child, () => process.kill(Number(firstProcessOf(child.pid ?? 0)), signal)),
        };
      },
    };
  };

  const opened = new Map(names.map((name, position) => [name, openHost(name, position)]));
  const host = (name: string): LabHost => {
    const found = opened.get(name);
    if (!found) throw new Error(`There is no host ${name} in the lab.`);
    return found;
  };
  return {
    host,
    setUp: (name, isUp) => void inLab('ip', 'link', 'set', host(name).name, isUp ? 'up' : 'down'),
    setReachable: (from, to, isReachable) => {
      const route = ['unreachable', `${host(to).address}/32`];
      inLab('ip', '-n', host(from).name, 'route', isReachable ? 'del' : 'add', ...route);
    },
    signal: (pid, signal) => void inLab('kill', `-${signal.slice(3)}`, String(pid)),
    stop: spaces.stop,
  };
};
