import { readdirSync, readFileSync, readlinkSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';

/** A process ends whenever it likes, also between being listed and being looked at: then there is nothing to read. */
const readOrEmpty = (read: () => string): string => {
  try {
    return read();
  } catch {
    return '';
  }
};

/** Process IDs of all that runs on this machine. */
export const processIds = (): number[] =>
  readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .map(Number);

/** The words of its command, with a space between them; empty when it has ended, and of a kernel thread. */
export const commandLineOf = (pid: number): string =>
  readOrEmpty(() => readFileSync(`/proc/${pid}/cmdline`, 'utf8'))
    .replaceAll('\0', ' ')
    .trimEnd();

/** What it was started with, as `NAME=value`; empty when it has ended. */
export const environmentOf = (pid: number): string[] =>
  readOrEmpty(() => readFileSync(`/proc/${pid}/environ`, 'latin1'))
    .split('\0')
    .filter(Boolean);

/** Absolute path of where it works; empty when it has ended. */
export const workFolderOf = (pid: number): string => readOrEmpty(() => readlinkSync(`/proc/${pid}/cwd`));

/** Processes that have this text in their command line. */
export const processesNaming = (text: string): number[] =>
  processIds().filter((pid) => commandLineOf(pid).includes(text));

const GONE_MS = 10_000;

/**
 * Waits until no process has this text in its command line: one that waits for another ends a moment after it.
 *
 * @returns those that are still there after ten seconds
 */
export const waitUntilGone = async (text: string): Promise<string[]> => {
  const deadline = Date.now() + GONE_MS;
  while (processesNaming(text).length > 0 && Date.now() < deadline) await sleep(20);
  return processesNaming(text).map(commandLineOf);
};
