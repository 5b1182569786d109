import { describe, expect, test } from '@jest/globals';
import { runCommand } from '../../ci-automation/run-command.ts';
import { loadSettings } from '../../lib/config/index.ts';
import { slipwayError } from '../../lib/errors/index.ts';
import type { OnSignal, StepIo } from '../../lib/step/index.ts';

/** The outside world of a command: what it said, and signals for those who listen. */
const openIo = () => {
  let said = '';
  const listeners = new Set<Parameters<OnSignal>[0]>();
  const io: StepIo = {
    argv: [],
    env: {},
    cwd: '/',
    stdout: () => {},
    stderr: {
      write: (text) => {
        said += text;
      },
      isTerminal: false,
    },
    onSignal(listener) {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
    now: () => new Date(0),
    slipwayVersion: '0',
    slipwayRoot: '/',
  };
  const interrupt = (): void => {
    for (const listener of listeners) listener('SIGINT');
  };
  return { io, said: () => said, listeners, interrupt };
};

const misuse = () => slipwayError('FLAG_UNKNOWN', { flag: '--x', step: 'watch' });

describe('a command', () => {
  test('ends with the exit code that it says', async () => {
    const { io, said } = openIo();
    expect([await runCommand(io, false, async () => 7), said()]).toEqual([7, '']);
  });

  test('that throws says so in its newest log, and ends as its error says', async () => {
    const { io, said } = openIo();
    const exitCode = await runCommand(io, false, async (tools) => {
      tools.openLog(true, []);
      throw misuse();
    });
    expect(exitCode).toBe(2);
    expect(JSON.parse(said())).toMatchObject({ kind: 'error', code: 'FLAG_UNKNOWN' });
  });

  test('has a log with the warnings of the settings that masks their secrets', async () => {
    const { io, said } = openIo();
    const values = { AWS_MARKETPLACE_CREDENTIALS: 'a-very-secret-thing' };
    const loaded = await loadSettings({ flags: {}, env: values, files: [], cwd: '/' });
    await runCommand(io, false, async (tools) => {
      tools.openLogFor(false, { ...loaded, warnings: ['look here'] }).info('it is a-very-secret-thing');
      return 0;
    });
    expect(said()).toContain('look here');
    expect(said()).not.toContain('a-very-secret-thing');
  });

  test('that a signal ends says the signal, whatever it broke; nobody listens any more', async () => {
    const { io, said, listeners, interrupt } = openIo();
    const exitCode = await runCommand(io, false, async (tools) => {
      const { signal } = tools.watchSignals();
      interrupt();
      expect(signal.aborted).toBe(true);
      throw misuse();
    });
    expect([exitCode, listeners.size]).toEqual([130, 0]);
    expect(said()).toContain('INTERRUPTED');
    expect(said()).not.toContain('FLAG_UNKNOWN');
  });
});
