import { slipwayError } from '../../errors/index.ts';
import type { Runner } from '../../process/index.ts';
import { TransientError } from '../failures.ts';
import { assembleRsync } from './command.ts';
import { type Outbox, SSH_ALIAS } from './outbox.ts';
import { watchProgress } from './progress.ts';

/** One run of rsync. */
export interface SendRequest {
  readonly runner: Runner;
  readonly outbox: Outbox;
  /** Staging folder on the server. */
  readonly toFolder: string;
  readonly agentSocket: string | undefined;
  /** For messages. */
  readonly location: string;
  readonly idleMs: number;
  readonly onBytes?: (bytes: number) => void;
}

/**
 * Exit codes of rsync that a second try may cure (rsync(1), EXIT VALUES): socket and protocol trouble, timeouts, and 255 and
 * signals of ssh.
 */
const TRANSIENT = new Set([10, 12, 30, 35, 255]);

/** So that every exit code comes back as a result, to be judged here. */
const ANY_EXIT_CODE = Array.from({ length: 256 }, (_unused, code) => code);

/** So much in one try shows that the line works. */
const PROGRESS_BYTES = 64 * 1024;

/**
 * Sends all files of the outbox to the staging folder.
 *
 * Throws `TransientError` when trying again may help, else `CACHE_UPLOAD_FAILED` with what rsync said.
 */
export const sendOutbox = async (request: SendRequest): Promise<void> => {
  const { runner, outbox, toFolder, agentSocket, location, idleMs, onBytes } = request;
  const command = assembleRsync({
    fromFolder: outbox.files,
    host: SSH_ALIAS,
    toFolder,
    sshConfig: outbox.sshConfig,
    // A disk over there that is slow to write looks like silence, too: more patience than with a plain connection.
    idleSeconds: Math.ceil((2 * idleMs) / 1000),
  });
  let sentBytes = 0;
  const running = runner.start(command, {
    env: { SSH_AUTH_SOCK: agentSocket, LC_ALL: 'C' },
    okExitCodes: ANY_EXIT_CODE,
  });
  running.stdin.on('error', () => {});
  running.stdin.end();
  running.stdout.on('error', () => {});
  running.stdout.on(
    'data',
    watchProgress((bytes) => {
      sentBytes += bytes;
      onBytes?.(bytes);
    }),
  );
  const { exitCode, stderr } = await running.done;
  if (exitCode === 0) return;
  if (TRANSIENT.has(exitCode)) {
    const problem = `rsync ended with exit code ${exitCode} (${stderr.trim().split('\n')[0] || 'no message'})`;
    throw new TransientError(problem, { hasProgressed: sentBytes >= PROGRESS_BYTES });
  }
  throw slipwayError('CACHE_UPLOAD_FAILED', { location, program: 'rsync', exitCode, lastOutput: stderr });
};
