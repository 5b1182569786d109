import { setTimeout as sleep } from 'node:timers/promises';
import { requireSuccess } from './failure.ts';
import type { CheckContext } from './types.ts';

const POLL_MS = 1000;
const UNFINISHED = new Set(['initializing', 'starting']);

/** Waits, bounded, until the system has finished starting. @returns what `systemctl is-system-running` says then */
export const awaitStarted = async ({ machine, expected, signal, now }: CheckContext): Promise<string> => {
  const endMs = now() + expected.runningWithinMs;
  for (;;) {
    // Its exit code only says "not running"; the word says what it is instead.
    const state = (await machine.run(['systemctl', 'is-system-running'])).stdout.trim();
    if (!UNFINISHED.has(state) || now() >= endMs) return state;
    await sleep(POLL_MS, undefined, { signal });
  }
};

/** Names of units from `systemctl list-units --plain --no-legend`. */
export const parseUnits = (list: string): string[] =>
  list
    .split('\n')
    .map((line) => line.trim().split(/\s+/)[0] ?? '')
    .filter((unit) => unit !== '');

/** The last words of each unit, from the journal. */
export const describeFailedUnits = async ({ machine }: CheckContext, units: readonly string[]): Promise<string[]> => {
  const details: string[] = [];
  for (const unit of units.slice(0, 5)) {
    const journal = await machine.run([
      'journalctl',
      '--boot',
      '--no-pager',
      '--output=short',
      '--lines=20',
      `--unit=${unit}`,
    ]);
    details.push(`${unit}:`, ...requireSuccess('reading the journal', journal).split('\n'));
  }
  return details;
};
