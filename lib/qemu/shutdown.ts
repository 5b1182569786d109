import { setTimeout as sleep } from 'node:timers/promises';
import type { Qmp } from './qmp.ts';

/** Which rung of the ladder ended a machine. */
export type MachineEnd = 'already' | 'guest' | 'power-button' | 'quit' | 'killed';

/** What can be done to a machine that should end. */
export interface Ending {
  readonly qmp: Qmp;
  /** Settles when QEMU has ended. */
  readonly ended: Promise<unknown>;
  /** SIGTERM, then SIGKILL. */
  readonly kill: () => void;
  /** Asks the guest's own system, if it can be reached. */
  readonly askGuest: (() => Promise<void>) | undefined;
  /** Milliseconds for the guest to end by itself, at each of the first two rungs; 0 = do not ask. */
  readonly timeoutMs: number;
}

const QUIT_TIMEOUT_MS = 3000;

const isOver = async (ended: Promise<unknown>, timeoutMs: number): Promise<boolean> => {
  const timer = new AbortController();
  const over = ended.then(
    () => true,
    () => true,
  );
  const late = sleep(timeoutMs, false, { signal: timer.signal }).catch(() => false);
  return Promise.race([over, late]).finally(() => timer.abort());
};

/**
 * Ends a machine, politely first: (1) the guest is asked, (2) its power button is pressed, (3) QEMU is told to quit,
 * (4) QEMU is killed. Each rung gets its time; the next one is used only when the one before did not end it.
 */
export const endMachine = async (ending: Ending): Promise<MachineEnd> => {
  const { qmp, ended, askGuest, timeoutMs } = ending;
  // A rung that cannot be used is a reason to take the next one, not to fail.
  const attempt = async (work: Promise<unknown>, waitMs: number): Promise<boolean> => {
    work.catch(() => {});
    return isOver(ended, waitMs);
  };
  if (await isOver(ended, 0)) return 'already';
  if (timeoutMs > 0) {
    if (askGuest && (await attempt(askGuest(), timeoutMs))) return 'guest';
    if (await attempt(qmp.execute('system_powerdown'), timeoutMs)) return 'power-button';
  }
  if (await attempt(qmp.execute('quit'), QUIT_TIMEOUT_MS)) return 'quit';
  ending.kill();
  await Promise.allSettled([ended]);
  return 'killed';
};
