import { appendFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, describe, expect, test } from '@jest/globals';
import { type FollowOptions, followRun } from '../../../lib/recording/index.ts';
import { addEvents, aliveOwner, deadOwner, finished, started, writeRecording } from '../../helpers/recordings.ts';
import { useTempFolders } from '../../helpers/temp.ts';

const makeFolder = useTempFolders();
const controllers: AbortController[] = [];
afterEach(() => {
  for (const controller of controllers.splice(0)) controller.abort(new Error('the test is over'));
});

/** Follows until the end; `until` waits for an event. */
const follow = (options: Partial<FollowOptions> & Pick<FollowOptions, 'place'>) => {
  const controller = new AbortController();
  controllers.push(controller);
  const seen: string[] = [];
  const waiting: (() => void)[] = [];
  const run = followRun({ onlyNew: false, waitMs: 50, signal: controller.signal, ...options });
  const end = (async (): Promise<number> => {
    for (;;) {
      const { done, value } = await run.next();
      if (done) return value;
      const { event } = value.recorded;
      seen.push(event.kind === 'step-started' ? event.step : event.kind === 'info' ? event.text : event.kind);
      for (const wake of waiting.splice(0)) wake();
    }
  })();
  // A test that waits for something else first must not end by an error that nobody has taken yet.
  end.catch(() => {});
  const until = async (what: string): Promise<void> => {
    while (!seen.includes(what)) {
      await Promise.race([
        new Promise<void>((resolve) => void waiting.push(resolve)),
        end.then(() => Promise.reject(new Error(`ended before ${what}`))),
      ]);
    }
  };
  return { seen, end, until, controller };
};

describe('following one step', () => {
  test('shows what is there and what comes, and ends with its exit code', async () => {
    const file = writeRecording(makeFolder(), [[0, started('image')]]);
    const { seen, end, until } = follow({ place: { file } });
    await until('image');
    addEvents(file, [[1, { kind: 'info', text: 'now' }]]);
    await until('now');
    addEvents(file, [[2, finished('image', 3)]]);
    expect(await end).toBe(3);
    expect(seen).toEqual(['recording', 'image', 'now', 'step-finished']);
  });

  test('a step that was killed is said to be gone', async () => {
    const file = writeRecording(makeFolder(), [[0, started('image')]], { owner: deadOwner() });
    appendFileSync(file, '{"time":');
    await expect(follow({ place: { file } }).end).rejects.toMatchObject({
      code: 'STEP_VANISHED',
      data: { step: 'image', file, hasPartOfLine: true },
    });
  });

  test('what a step wrote before it ended counts, even if it is gone when the file is read', async () => {
    const file = writeRecording(
      makeFolder(),
      [
        [0, started('image')],
        [1, finished('image')],
      ],
      { owner: deadOwner() },
    );
    expect(await follow({ place: { file } }).end).toBe(0);
  });

  test('a step of another machine is waited for: nobody here can tell whether it is gone', async () => {
    const file = writeRecording(makeFolder(), [[0, started('image')]], { owner: '000000000000-1-0123456789ab' });
    const { end, until } = follow({ place: { file } });
    await until('image');
    addEvents(file, [[1, finished('image')]]);
    expect(await end).toBe(0);
  });

  test('can be stopped', async () => {
    const file = writeRecording(makeFolder(), [[0, started('image')]]);
    const { end, until, controller } = follow({ place: { file } });
    await until('image');
    controller.abort(new Error('stop'));
    await expect(end).rejects.toThrow('stop');
  });
});

describe('following a run', () => {
  test('goes from step to step while the process is there that starts them', async () => {
    const folder = makeFolder();
    const run = aliveOwner();
    writeRecording(
      folder,
      [
        [0, started('packages')],
        [1, finished('packages')],
      ],
      { run },
    );
    const { seen, end, until } = follow({ place: { folder }, waitMs: 0 });
    await until('step-finished');
    const second = writeRecording(folder, [[5, started('image')]], { run });
    await until('image');
    addEvents(second, [[6, finished('image', 1)]]);
    expect(await end).toBe(1);
    expect(seen).toEqual(['recording', 'packages', 'step-finished', 'recording', 'image', 'step-finished']);
  });

  test('ends when that process is gone', async () => {
    const folder = makeFolder();
    writeRecording(
      folder,
      [
        [0, started('packages')],
        [1, finished('packages')],
      ],
      { run: deadOwner() },
    );
    expect(await follow({ place: { folder }, waitMs: 1e9 }).end).toBe(0);
  });

  test('under a CI it ends when no other step comes', async () => {
    const folder = makeFolder();
    writeRecording(
      folder,
      [
        [0, started('packages')],
        [1, finished('packages')],
      ],
      { run: 'build-7' },
    );
    expect(await follow({ place: { folder } }).end).toBe(0);
  });

  test('a step that failed is the end, whatever comes', async () => {
    const folder = makeFolder();
    writeRecording(
      folder,
      [
        [0, started('packages')],
        [1, finished('packages', 2)],
      ],
      { run: aliveOwner() },
    );
    expect(await follow({ place: { folder }, waitMs: 1e9 }).end).toBe(2);
  });

  test('begins with the newest step', async () => {
    const folder = makeFolder();
    writeRecording(folder, [
      [0, started('old')],
      [1, finished('old', 1)],
    ]);
    writeRecording(folder, [
      [5, started('new')],
      [6, finished('new')],
    ]);
    const { seen, end } = follow({ place: { folder } });
    expect(await end).toBe(0);
    expect(seen).not.toContain('old');
  });

  test('only new: what has ended is left out, what runs is not', async () => {
    const folder = makeFolder();
    writeRecording(folder, [
      [0, started('old')],
      [1, finished('old', 1)],
    ]);
    const { seen, end, until } = follow({ place: { folder }, onlyNew: true, waitMs: 60_000 });
    const file = writeRecording(folder, [[5, started('new')]]);
    await until('new');
    const second = follow({ place: { folder }, onlyNew: true });
    await second.until('new');
    addEvents(file, [[6, finished('new', 4)]]);
    expect([await end, await second.end]).toEqual([4, 4]);
    expect(seen).not.toContain('old');
  });

  test('a folder that does not come, or stays empty, is an error', async () => {
    await expect(follow({ place: { folder: join(makeFolder(), 'none') } }).end).rejects.toMatchObject({
      code: 'EVENTS_NONE',
    });
  });

  test('only new, and nothing new comes: it says so', async () => {
    const folder = makeFolder();
    writeRecording(folder, [
      [0, started('old')],
      [1, finished('old')],
    ]);
    const { end } = follow({ place: { folder }, onlyNew: true });
    await expect(end).rejects.toMatchObject({ code: 'EVENTS_NONE_NEW', data: { folder, waitMs: 50 } });
  });

  test('a folder that comes later is fine', async () => {
    const folder = join(makeFolder(), 'later');
    const { end } = follow({ place: { folder }, waitMs: 60_000 });
    writeRecording(folder, [
      [0, started('image')],
      [1, finished('image', 1)],
    ]);
    expect(await end).toBe(1);
  });
});
