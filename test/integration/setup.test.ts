import { expect, test } from '@jest/globals';
import { createLog, type LogEvent } from '../../lib/log/index.ts';
import { prepareHost } from '../../lib/setup/index.ts';

/** What a run may lose at its start on a machine that has everything; several times what it takes on an idle one. */
const NOTICEABLE_MS = 1500;

test.each(['nightly', 'test'] as const)(
  'this machine is ready for %s: nothing is installed, nothing is said',
  async (group) => {
    const events: LogEvent[] = [];
    const startedMs = performance.now();
    const log = createLog((event) => events.push(event));
    const engine = await prepareHost({ group, env: process.env, log, noInstall: true });
    expect(engine.command.length).toBeGreaterThan(0);
    expect(events).toEqual([]);
    expect(performance.now() - startedMs).toBeLessThan(NOTICEABLE_MS);
  },
);
