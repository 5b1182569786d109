import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';

/** Mount, process and perhaps other namespaces. When the tests end, however they end, the kernel takes away all that is in them: processes, mounts, networks. */
export interface HeldNamespaces {
  /** To be put before a command that is to run in them. */
  readonly command: readonly string[];
  /** Ends all that runs in them. */
  stop(): Promise<void>;
}

/** What follows the setup: ends with the tests; until then, waiting buries what daemons leave behind. */
const HOLD = `
echo ready
exec 3<&0
cat <&3 >/dev/null &
wait $!
`;

/** Process id outside of the first process inside a process namespace that `pid` made or entered. */
export const firstProcessOf = (pid: number): string =>
  readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8').trim().split(' ')[0] ?? '';

/** Ends a process unless it has ended, and waits for that. */
export const endOf = async (child: ChildProcess, stop: () => void): Promise<void> => {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const ended = once(child, 'exit');
  stop();
  await ended;
};

/**
 * Makes them; needs root.
 *
 * @param setup shell text that runs first in them, with `words` as `$0`, `$1` and so on; it ends before this returns
 * @param more kinds besides mount and process, as unshare(1) takes them
 */
export const holdNamespaces = async (
  setup: string,
  words: readonly string[],
  more: readonly string[] = [],
): Promise<HeldNamespaces> => {
  const kinds = [
    '--mount',
    '--propagation',
    'private',
    '--pid',
    '--fork',
    '--kill-child=KILL',
    '--mount-proc',
    ...more,
  ];
  const shell = ['sh', '-euc', `${setup}${HOLD}`, ...words];
  const child = spawn('unshare', [...kinds, ...shell], { stdio: ['pipe', 'pipe', 'pipe'] });
  let said = '';
  child.stderr.on('data', (chunk: Buffer) => {
    said += chunk.toString();
  });
  const ended = once(child, 'exit').then(() => {
    throw new Error(`the namespaces were not set up:\n${said}`);
  });
  ended.catch(() => {});
  await Promise.race([once(child.stdout, 'data'), ended]);
  const first = firstProcessOf(child.pid ?? 0);
  return {
    command: ['nsenter', '--target', first, ...more, '--mount', '--pid', '--'],
    stop: () => endOf(child, () => process.kill(Number(first), 'SIGKILL')),
  };
};
