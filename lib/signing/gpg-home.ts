import { mkdir, readdir, rm } from 'node:fs/promises';
import { connect } from 'node:net';
import { join } from 'node:path';
import type { Runner, RunResult } from '../process/index.ts';
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

const removeFolder = (path: string): Promise<void> =>
  rm(path, { recursive: true, force: true, maxRetries: 5, retryDelay: 50 });

/** A process that was killed leaves its agent and a secret key: both are ended by the next that comes along. */
const sweepHomes = async (parent: string): Promise<void> => {
  for (const name of await readdir(parent)) {
    if (!name.startsWith(PREFIX) || !isOwnerDead(name.slice(PREFIX.length))) continue;
    await killAgent(join(parent, name, 'S.gpg-agent'));
    await removeFolder(join(parent, name));
  }
};

const makeFolder = async (parent: string): Promise<string> => {
  const name = `${PREFIX}${makeOwnName()}`;
  const place = Buffer.byteLength(join(parent, name)) <= MAX_HOME_BYTES ? parent : '/tmp';
  await sweepHomes(place);
  const home = join(place, name);
  await mkdir(home, { mode: 0o700 });
  return home;
};

/**
 * Makes an empty key ring: nothing of the user's own is read, nothing is fetched from key servers.
 *
 * @param parent absolute path of a folder for temporary files, outside the OS tree; when it is too long for the agent's sockets,
 *   `/tmp` is used
 * @param withAgent whether secret keys are used, which takes an agent
 */
export const createGpgHome = async (runner: Runner, parent: string, withAgent: boolean): Promise<GpgHome> => {
  const path = await makeFolder(parent);
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
    ...(withAgent ? ['--pinentry-mode=error'] : ['--no-autostart']),
  ];
  const remove = (): Promise<void> => removeFolder(path);
  const socketOf = async (): Promise<string> => {
    const { stdout } = await runner.run(['gpgconf', '--list-dirs', 'agent-socket'], { stdout: 'capture', env });
    return decodeURIComponent(stdout.trim());
  };
  try {
    const socket = withAgent ? await socketOf() : undefined;
    return {
      path,
      gpg: (args) => runner.run(['gpg', ...options, ...args], { stdout: 'capture', env, okExitCodes: [0, 1, 2] }),
      async close() {
        if (socket) await killAgent(socket);
        await remove();
      },
    };
  } catch (error) {
    await remove();
    throw error;
  }
};
