import { createHash } from 'node:crypto';
import { mkdir, readdir, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { connect } from 'node:net';
import { dirname, join } from 'node:path';
import type { Runner, RunningCommand, RunResult } from '../process/index.ts';
import { isOwnerDead, makeOwnName } from '../process/process-identity.ts';

/** A unix socket's path has at most 107 bytes, and gpg-agent puts sockets such as `S.gpg-agent.browser` into its home. */
const MAX_HOME_BYTES = 107 - '/S.gpg-agent.browser'.length;

/** A key ring that lives as long as a step. */
export interface GpgHome {
  /** Absolute path. */
  readonly path: string;
  /**
   * Runs gpg in this home, in batch mode, and captures its status lines.
   *
   * @param args after the common options; put `--` before file names
   * @returns the result; exit codes 1 and 2 do not throw, because the status lines say more
   */
  gpg(args: readonly string[]): Promise<RunResult>;
  /** The same for what comes as a stream: its standard input and output are the caller's. */
  startGpg(args: readonly string[]): RunningCommand;
  /** Ends the agent, removes the folder. */
  close(): Promise<void>;
}

const KILL_PATIENCE_MS = 2000;

/** Asks the agent to end over its own socket: needs no program, so it works after an interruption, too. */
const killAgent = (socketPath: string): Promise<void> =>
  new Promise((resolve) => {
    const socket = connect(socketPath);
    socket.setTimeout(KILL_PATIENCE_MS, () => socket.destroy());
    // No agent, or no longer: just what is wanted.
    socket.on('error', () => {});
    socket.on('connect', () => socket.write('KILLAGENT\n'));
    socket.on('close', () => resolve());
    socket.resume();
  });

const PREFIX = 'gpg-';
/** Says who a folder belongs to when its name does not. */
const OWNER_FILE = '.slipway-owner';
const SOCKET = 'S.gpg-agent';

const removeFolder = (path: string): Promise<void> =>
  rm(path, { recursive: true, force: true, maxRetries: 5, retryDelay: 50 });

const ownerOf = (path: string, name: string): Promise<string> =>
  readFile(join(path, OWNER_FILE), 'utf8').catch(() => name.slice(PREFIX.length));

/** A process that was killed leaves its agent and a secret key: both are ended by the next that comes along. */
const sweepHomes = async (parent: string): Promise<void> => {
  for (const name of await readdir(parent)) {
    const path = join(parent, name);
    if (!name.startsWith(PREFIX) || !isOwnerDead(await ownerOf(path, name))) continue;
    await killAgent(join(path, SOCKET));
    await removeFolder(path);
  }
};

/** A container engine takes a colon for the end of the path. */
const isUsable = (path: string): boolean => Buffer.byteLength(path) <= MAX_HOME_BYTES && !path.includes(':');

const makeFolder = async (parent: string): Promise<string> => {
  const name = `${PREFIX}${makeOwnName()}`;
  const place = isUsable(join(parent, name)) ? parent : '/tmp';
  await sweepHomes(place);
  const home = join(place, name);
  await mkdir(home, { mode: 0o700 });
  return home;
};

/**
 * Gives the folder the name that all key rings of the tree have, one after the other: a container that outlives its step and is started
 * again by a later one finds the later one's ring where the first was. While another step of the tree is at work, it keeps its own name.
 */
const takeName = async (home: string, tree: string): Promise<string> => {
  const shared = join(dirname(home), `${PREFIX}${createHash('sha256').update(tree).digest('hex').slice(0, 16)}`);
  await writeFile(join(home, OWNER_FILE), home.slice(join(dirname(home), PREFIX).length));
  try {
    // Only where nothing is: a folder that has anything in it is not replaced.
    await rename(home, shared);
    return shared;
  } catch {
    return home;
  }
};

/** An empty key ring for programs that look for one, so that they do not find the user's own. */
export interface EmptyRing {
  /** Absolute path. */
  readonly home: string;
  close(): Promise<void>;
}

const makeRing = async (parent: string, tree: string): Promise<string> => {
  const home = await takeName(await makeFolder(parent), tree);
  // Some versions of gpg do not make it before they need it.
  await mkdir(join(home, 'private-keys-v1.d'), { mode: 0o700 });
  return home;
};

/**
 * Makes an empty key ring.
 *
 * @param parent see {@link createGpgHome}
 * @param tree absolute path of the OS tree whose programs get it
 */
export const createEmptyRing = async (parent: string, tree: string): Promise<EmptyRing> => {
  const home = await makeRing(parent, tree);
  return { home, close: () => removeFolder(home) };
};

/** How to make a key ring. */
export interface GpgHomeOptions {
  readonly runner: Runner;
  /**
   * Absolute path of a folder for temporary files, outside the OS tree; where it is too long for the agent's sockets, or has a colon, `/tmp`
   * is used.
   */
  readonly parent: string;
  /** Absolute path of the OS tree whose programs sign with the ring; undefined: it is for questions only, and there is no agent. */
  readonly tree?: string;
}

/** Makes an empty key ring: nothing of the user's own is read, nothing is fetched from key servers. */
export const createGpgHome = async ({ runner, parent, tree }: GpgHomeOptions): Promise<GpgHome> => {
  const path = tree === undefined ? await makeFolder(parent) : await makeRing(parent, tree);
  const env = { GNUPGHOME: path, LC_ALL: 'C' };
  const options = [
    '--batch',
    '--no-tty',
    '--no-options',
    '--quiet',
    '--disable-dirmngr',
    '--no-auto-key-retrieve',
    '--status-fd=1',
    // The keys in here are the ones that were named; there is nobody else's opinion to ask.
    '--trust-model=always',
    ...(tree === undefined ? ['--no-autostart'] : ['--pinentry-mode=error']),
  ];
  const findSocket = async (): Promise<string> => {
    try {
      const { stdout } = await runner.run(['gpgconf', '--list-dirs', 'agent-socket'], { stdout: 'capture', env });
      return decodeURIComponent(stdout.trim());
    } catch {
      return join(path, SOCKET);
    }
  };
  // Asked now, because nothing can be asked after an interruption; and waited for at the end, because nobody needs it before.
  const socket = tree === undefined ? undefined : findSocket();
  return {
    path,
    gpg: (args) => runner.run(['gpg', ...options, ...args], { stdout: 'capture', env, okExitCodes: [0, 1, 2] }),
    startGpg: (args) => runner.start(['gpg', ...options, ...args], { env, okExitCodes: [0, 1, 2] }),
    async close() {
      if (socket !== undefined) {
        const agent = await socket;
        await killAgent(agent);
        // On machines with sessions the sockets are in a folder of their own below /run/user, one per key ring.
        if (dirname(agent) !== path && dirname(agent).includes('/gnupg/d.')) await removeFolder(dirname(agent));
      }
      await removeFolder(path);
    },
  };
};
