import { setTimeout as sleep } from 'node:timers/promises';
import { type SlipwayError, slipwayError } from '../errors/index.ts';
import type { Command, RunResult } from '../process/index.ts';
import type { Console } from './console.ts';
import {
  awaitSsh,
  type GuestCommand,
  type GuestRunOptions,
  SSH_NO_CONNECTION,
  type SshTarget,
  startInGuest,
} from './ssh.ts';
import type { Watch } from './watch.ts';

const NOTICE_MS = 1000;

/** The way into a guest; it ends when the machine is lost or stopped, and takes everything with it that runs over it. */
export interface GuestLink {
  isConnected(): boolean;
  /** Logs in with the key. @throws VM_SSH_UNREACHABLE, or why the machine was lost */
  connect(): Promise<void>;
  /** Runs a command. @throws VM_SSH_UNREACHABLE, COMMAND_TIMED_OUT, or why the machine was lost */
  run(command: Command, options?: GuestRunOptions): Promise<RunResult>;
  /** Runs a command that may cut the connection. */
  tell(command: Command, options?: GuestRunOptions): Promise<void>;
  /** Ends all that still runs. */
  close(): Promise<void>;
}

/** What a link is made from. */
export interface LinkParts {
  readonly target: SshTarget;
  readonly watch: Watch;
  readonly console: Console;
  /** Milliseconds for a login. */
  readonly timeoutMs: number;
  readonly signal: AbortSignal;
}

/** Commands that run in the guest, and their common end. */
const createCommands = ({ target, watch }: LinkParts, over: AbortController) => {
  const active = new Set<GuestCommand>();
  const end = async (): Promise<void> => {
    for (const command of active) command.stop();
    await Promise.allSettled([...active].map(({ done }) => done));
  };
  over.signal.addEventListener('abort', () => void end());
  const start = async (command: Command, options: GuestRunOptions): Promise<RunResult> => {
    over.signal.throwIfAborted();
    const running = startInGuest(target, command, options);
    active.add(running);
    return running.done.finally(() => active.delete(running));
  };
  return { end, run: (command: Command, options: GuestRunOptions) => watch.guard(start(command, options)) };
};

/** Makes the link; nobody is logged in yet. */
export const createGuestLink = (parts: LinkParts): GuestLink => {
  const { target, watch, console, signal } = parts;
  const over = new AbortController();
  watch.fate.catch(() => over.abort());
  const commands = createCommands(parts, over);
  let connected = false;

  const unreachable = (answer: string, timeoutMs: number): SlipwayError => {
    const facts = { user: target.user, port: target.port, timeoutMs, answer };
    return slipwayError('VM_SSH_UNREACHABLE', { ...facts, consoleFile: console.file, lastLines: console.lastLines() });
  };
  return {
    isConnected: () => connected,
    async connect() {
      connected = false;
      const ended = AbortSignal.any([signal, over.signal]);
      const refusal = await watch.guard(awaitSsh(commands.run, parts.timeoutMs, ended));
      signal.throwIfAborted();
      if (refusal !== undefined) throw unreachable(refusal, parts.timeoutMs);
      connected = true;
    },
    async run(command, options = {}) {
      const result = await commands.run(command, options);
      const cut = result.exitCode === SSH_NO_CONNECTION && !options.anonymous;
      if (!cut) return result;
      // A machine that ends cuts its connections a moment before its end is noticed, and that is the better reason.
      await watch.guard(sleep(NOTICE_MS));
      throw unreachable(result.stderr.trim() || 'the connection was lost', result.durationMs);
    },
    async tell(command, options = {}) {
      await commands.run(command, options);
    },
    async close() {
      over.abort();
      await commands.end();
    },
  };
};
