import { execFileSync, spawn } from 'node:child_process';
import { closeSync, mkdirSync, openSync, readFileSync } from 'node:fs';
import { connect } from 'node:net';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { endOf, firstProcessOf, holdNamespaces } from './held-namespaces.ts';

const ROOT = join(import.meta.dirname, '../..');

/**
 * A machine to set up a server on, as its operator does: `/etc`, `/srv`, `/run`, `/var` and `/usr/local/bin` are its own, and nothing
 * of what is done to them, no account and no mount, is there outside or stays when it stops. The network is that of the tests.
 */
export interface ServerMachine {
  /** Where its `/srv` is for the tests. */
  readonly srv: string;
  /** Runs shell text in Slipway's folder, as root; returns its output. */
  run(script: string): string;
  /** Where its `/run` is for the tests. */
  readonly sockets: string;
  /** Starts a daemon in the foreground and waits until it listens on a port of loopback, or on a socket with this path outside. */
  start(
    command: readonly string[],
    port: number | string,
  ): Promise<{ readonly log: () => string; stop(): Promise<void> }>;
  /** Ends all that runs on it. */
  stop(): Promise<void>;
}

/** Folders that are copies of this machine's, and folders that begin empty. */
const COPIED = ['etc'];
const EMPTY = ['srv', 'run', 'var/log/nginx', 'var/lib/nginx', 'var/lib/caddy', 'usr/local/bin'];

const SETUP = `
for name in ${[...COPIED, ...EMPTY].join(' ')}; do mkdir -p "/$name"; mount --bind "$0/$name" "/$name"; done
mkdir -p /run/sshd
rm -f /etc/ssh/ssh_host_*
ssh-keygen -A >/dev/null
`;

const isListening = (port: number | string): Promise<boolean> =>
  new Promise((resolve) => {
    const socket = typeof port === 'number' ? connect(port, '127.0.0.1') : connect(port);
    socket.on('connect', () => {
      socket.destroy();
      resolve(true);
    });
    socket.on('error', () => resolve(false));
  });

/** @param folder temporary folder; needs root */
export const startServerMachine = async (folder: string): Promise<ServerMachine> => {
  for (const name of COPIED) execFileSync('cp', ['-a', `/${name}`, join(folder, name)]);
  for (const name of EMPTY) mkdirSync(join(folder, name), { recursive: true });
  // Others than root pass through to what is below only where it is mounted.
  const spaces = await holdNamespaces(SETUP, [folder]);
  const [program = '', ...inside] = spaces.command;
  let daemons = 0;
  return {
    srv: join(folder, 'srv'),
    sockets: join(folder, 'run'),
    run: (script) =>
      execFileSync(program, [...inside, 'sh', '-euc', `cd "$0"\n${script}`, ROOT], {
        encoding: 'utf8',
        stdio: ['ignore', 'pipe', 'pipe'],
        env: { PATH: '/usr/sbin:/usr/bin:/sbin:/bin', HOME: '/root', LC_ALL: 'C.UTF-8' },
      }),
    start: async (command, port) => {
      // Into a file: tests that wait for other programs read no pipes, and a daemon waits when its pipe is full.
      daemons += 1;
      const logFile = join(folder, `log-${daemons}`);
      const output = openSync(logFile, 'w');
      const daemon = spawn(program, [...inside, ...command], {
        stdio: ['ignore', output, output],
        env: { PATH: '/usr/sbin:/usr/bin:/sbin:/bin', HOME: '/var/lib/caddy' },
      });
      closeSync(output);
      const log = (): string => readFileSync(logFile, 'utf8');
      for (let tries = 0; !(await isListening(port)); tries += 1) {
        if (tries > 200 || daemon.exitCode !== null) throw new Error(`${command[0]} did not start:\n${log()}`);
        await sleep(50);
      }
      return {
        log,
        // nsenter passes no signals on.
        stop: () => endOf(daemon, () => process.kill(Number(firstProcessOf(daemon.pid ?? 0)))),
      };
    },
    stop: spaces.stop,
  };
};

/**
 * Shell blocks of a document that tests run as they stand: those after a line `<!-- test: NAME -->`.
 *
 * @param path of the document, from Slipway's folder
 */
export const readShellBlocks = (path: string): ReadonlyMap<string, string> => {
  const text = readFileSync(join(ROOT, path), 'utf8');
  const blocks = text.matchAll(/^<!-- test: ([\w -]+) -->\n+```sh\n([\s\S]*?)^```$/gm);
  return new Map([...blocks].map(([, name = '', script = '']) => [name, script]));
};

/** Replaces words that a test cannot take as they are, such as a port; each must be there. */
export const withWords = (text: string, words: Readonly<Record<string, string>>): string =>
  Object.entries(words).reduce((done, [from, to]) => {
    if (!done.includes(from)) throw new Error(`expected ${JSON.stringify(from)} in:\n${text}`);
    return done.replaceAll(from, to);
  }, text);
