import { describe, expect, it } from '@jest/globals';
import { createLog, type LogEvent } from '../../../lib/log/index.ts';
import { createCleanup, createPlanningRunner, retry } from '../../../lib/process/index.ts';

describe('retry', () => {
  const options = {
    attempts: 3,
    firstDelayMs: 1,
    isTransient: (error: unknown) => (error as Error).message !== 'final',
  };

  it('tries again until it works', async () => {
    const seen: number[] = [];
    const value = await retry(async (attempt) => {
      seen.push(attempt);
      if (attempt < 3) throw new Error('not yet');
      return 'done';
    }, options);
    expect([value, seen]).toEqual(['done', [1, 2, 3]]);
  });

  it('throws the last error when all attempts fail', async () => {
    await expect(retry((attempt) => Promise.reject(new Error(`attempt ${attempt}`)), options)).rejects.toThrow(
      'attempt 3',
    );
  });

  it('does not repeat what will not get better', async () => {
    let calls = 0;
    const work = retry(() => {
      calls += 1;
      return Promise.reject(new Error('final'));
    }, options);
    await expect(work).rejects.toThrow('final');
    expect(calls).toBe(1);
  });
});

describe('cleanup', () => {
  it('frees in reverse order, goes on after a failure, and frees once', async () => {
    const order: string[] = [];
    const events: LogEvent[] = [];
    const cleanup = createCleanup(createLog((event) => events.push(event)));
    cleanup.add('first', () => void order.push('first'));
    cleanup.add('broken', () => Promise.reject(new Error('stuck')));
    const freeLast = cleanup.add('last', () => void order.push('last'));
    await freeLast();
    await cleanup.runAll();
    await cleanup.runAll();
    expect(order).toEqual(['last', 'first']);
    expect(events).toEqual([{ kind: 'warning', text: 'Could not free broken: stuck' }]);
  });
});

describe('the planning runner', () => {
  it('says what would run, and runs nothing', async () => {
    const events: LogEvent[] = [];
    const runner = createPlanningRunner(createLog((event) => events.push(event)));
    await runner.run(['rm', '-rf', '/a b']);
    await runner.start(['docker', 'save']).done;
    expect(events).toEqual([
      { kind: 'planned', effect: "run: rm -rf '/a b'" },
      { kind: 'planned', effect: 'run: docker save' },
    ]);
  });
});
