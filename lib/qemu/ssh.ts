import type { Readable } from 'node:stream';
import { setTimeout as sleep } from 'node:timers/promises';
import { isSlipwayError } from '../errors/index.ts';
import { formatCommand, formatDuration } from '../log/index.ts';
import type { Command, Runner, RunResult } from '../process/index.ts';

/** Where the guest's ssh server is and what it is entered with. */
export interface SshTarget {
  readonly runner: Runner;
  /** Absolute path of a folder of this machine alone; has the key as `key`, gets `known_hosts`. */
  readonly folder: string;
  readonly user: string;
  /** Loopback port. */
  readonly port: number;
}

/** How to run one command in the guest. */
export interface GuestRunOptions {
  /** Milliseconds; default 60000. */
  readonly timeoutMs?: number;
  readonly input?: string;
  /** Without the key, to prove that nobody enters so. */
  readonly anonymous?: boolean;
}

const COMMAND_TIMEOUT_MS = 60_000;
const RETRY_MS = 500;

/** An emulated guest needs a while for the key exchange; a dead one should not take the whole time for one try. */
const LOGIN_TIMEOUT_MS = 30_000;

/** OpenSSH's own exit code for "no connection"; the command's codes are below. */
export const SSH_NO_CONNECTION = 255;

/** Files are named relative to the folder, because OpenSSH splits some values at blanks. */
const KEY = 'key';

const optionArgs = (options: Readonly<Record<string, string>>): string[] =>
  Object.entries(options).flatMap(([name, value]) => ['-o', `${name}=${value}`]);

/** Arguments that keep the user's own configuration, agent, keys and known hosts out of it. */
const connectionArgs = (target: SshTarget, anonymous: boolean): string[] => [
  ...['-F', 'none', '-p', `${target.port}`],
  ...(anonymous ? [] : ['-i', KEY]),
  ...optionArgs({
    BatchMode: 'yes',
    ControlPath: 'none',
    IdentitiesOnly: 'yes',
    IdentityAgent: 'none',
    ...(anonymous ? { IdentityFile: 'none', PreferredAuthentications: 'none,publickey' } : {}),
    UserKnownHostsFile: 'known_hosts',
    GlobalKnownHostsFile: '/dev/null',
    StrictHostKeyChecking: 'accept-new',
    ConnectTimeout: '15',
    ServerAliveInterval: '10',
    ServerAliveCountMax: '3',
    LogLevel: 'ERROR',
  }),
];

/** A command that runs in the guest. */
export interface GuestCommand {
  /** Its exit code is part of the answer, not an error; 255 when there was no connection. */
  readonly done: Promise<RunResult>;
  /** Gives it up. */
  stop(): void;
}

const ANY_EXIT_CODE = Array.from({ length: 256 }, (_, code) => code);

const collect = (stream: Readable): (() => string) => {
  const chunks: Buffer[] = [];
  stream.on('data', (chunk: Buffer) => chunks.push(chunk));
  return () =>
    Buffer.concat(chunks)
      .toString('utf8')
      .replace(/\r?\n$/, '');
};

/**
 * Starts one command in the guest; words are quoted for the guest's shell.
 *
 * `done` rejects with COMMAND_TIMED_OUT or COMMAND_NOT_FOUND (no ssh client).
 */
export const startInGuest = (target: SshTarget, command: Command, options: GuestRunOptions = {}): GuestCommand => {
  const { timeoutMs = COMMAND_TIMEOUT_MS, input = '', anonymous = false } = options;
  const destination = `${target.user}@127.0.0.1`;
  const remote = formatCommand(command);
  const ssh = target.runner.start(['ssh', ...connectionArgs(target, anonymous), destination, remote], {
    cwd: target.folder,
    timeoutMs,
    okExitCodes: ANY_EXIT_CODE,
    shownAs: ['ssh', '-p', `${target.port}`, destination, remote],
  });
  const output = collect(ssh.stdout);
  // A guest that goes away does not read its input; the exit code tells.
  ssh.stdin.on('error', () => {});
  ssh.stdin.end(input);
  return { done: ssh.done.then((result) => ({ ...result, stdout: output() })), stop: ssh.stop };
};

const answerOf = ({ exitCode, stderr }: RunResult): string =>
  exitCode === SSH_NO_CONNECTION
    ? stderr.trim().split('\n').at(-1) || 'the connection was closed'
    : `the login works, but 'true' ended with exit code ${exitCode}`;

type RunInGuest = (command: Command, options: GuestRunOptions) => Promise<RunResult>;

/** @returns undefined when the guest let us in, else what it answered */
const tryLogin = async (run: RunInGuest, timeoutMs: number): Promise<string | undefined> => {
  try {
    const result = await run(['true'], { timeoutMs });
    return result.exitCode === 0 ? undefined : answerOf(result);
  } catch (error) {
    if (!isSlipwayError(error, 'COMMAND_TIMED_OUT')) throw error;
    return `no answer within ${formatDuration(timeoutMs)}`;
  }
};

/**
 * Logs in, again and again until the guest lets us in, the time is over or `signal` is aborted.
 *
 * @returns undefined, or the guest's last answer when it did not let us in
 */
export const awaitSsh = async (
  run: RunInGuest,
  timeoutMs: number,
  signal: AbortSignal,
): Promise<string | undefined> => {
  const endMs = performance.now() + timeoutMs;
  let answer: string | undefined;
  for (let leftMs = timeoutMs; leftMs > 0 && !signal.aborted; leftMs = endMs - performance.now()) {
    const refusal = await tryLogin(run, Math.ceil(Math.min(leftMs, LOGIN_TIMEOUT_MS)));
    if (refusal === undefined) return undefined;
    // A try that the end of the time cut short tells less than an earlier one that was answered.
    if (answer === undefined || performance.now() < endMs) answer = refusal;
    await sleep(RETRY_MS, undefined, { signal }).catch(() => {});
  }
  return answer ?? 'nothing was tried';
};
