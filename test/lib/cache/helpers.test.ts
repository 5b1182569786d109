import { spawnSync } from 'node:child_process';
import { readFileSync, statSync, truncateSync, writeFileSync } from 'node:fs';
import { open } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, test } from '@jest/globals';
import { problemOf, TransientError } from '../../../lib/cache/failures.ts';
import { copySparse } from '../../../lib/cache/sparse-copy.ts';
import { tryAgain } from '../../../lib/cache/try-again.ts';
import { createLog, type LogEvent, silentLog } from '../../../lib/log/index.ts';
import { inParallel } from '../../../lib/process/in-parallel.ts';
import { isOwnerDead, makeOwnName } from '../../../lib/process/process-identity.ts';
import { useTempFolders } from '../../helpers/temp.ts';
import { listTree, noise, writeFileAt } from '../../helpers/temp-files.ts';

const makeFolder = useTempFolders();

describe('inParallel', () => {
  test('keeps the order and the limit', async () => {
    let running = 0;
    let most = 0;
    const results = await inParallel([3, 1, 2, 0, 5], 2, async (value) => {
      running += 1;
      most = Math.max(most, running);
      await new Promise((resolve) => setTimeout(resolve, value * 5));
      running -= 1;
      return value * 2;
    });
    expect(results).toEqual([6, 2, 4, 0, 10]);
    expect(most).toBe(2);
  });

  test('throws the first error, after what was started has ended, and starts nothing more', async () => {
    const ended: number[] = [];
    const work = inParallel([1, 2, 3, 4], 2, async (value) => {
      if (value === 1) throw new Error('one');
      await new Promise((resolve) => setTimeout(resolve, 20));
      ended.push(value);
    });
    await expect(work).rejects.toThrow('one');
    expect(ended).toEqual([2]);
  });
});

describe('tryAgain', () => {
  const patience = { tries: 3, firstDelayMs: 1, idleMs: 1000 };
  const options = { host: 'h.test', doing: 'look', patience, log: silentLog };

  test('ends with the host and the number of tries, and waits between tries only', async () => {
    const events: LogEvent[] = [];
    const work = tryAgain(
      async () => {
        throw new TransientError('no luck');
      },
      { ...options, log: createLog((event) => events.push(event)) },
    );
    await expect(work).rejects.toMatchObject({
      code: 'CACHE_UNREACHABLE',
      message: 'The cache server h.test could not be reached to look, after 3 tries: no luck.',
      data: { host: 'h.test', tries: 3 },
    });
    expect(events).toMatchObject([1, 2].map((attempt) => ({ kind: 'retry', what: 'h.test, look', attempt })));
  });

  test('a try that gets something done does not count', async () => {
    let tries = 0;
    const work = tryAgain(async () => {
      tries += 1;
      if (tries < 10) throw new TransientError('cut', { hasProgressed: true });
      return 'done';
    }, options);
    await expect(work).resolves.toBe('done');
    expect(tries).toBe(10);
  });

  test('other errors are thrown at once, an interruption wins', async () => {
    await expect(tryAgain(async () => Promise.reject(new Error('bug')), options)).rejects.toThrow('bug');
    const controller = new AbortController();
    const reason = new Error('interrupted');
    const long = { ...options, patience: { ...patience, firstDelayMs: 60_000 }, signal: controller.signal };
    setTimeout(() => controller.abort(reason), 20);
    await expect(tryAgain(async () => Promise.reject(new TransientError('x')), long)).rejects.toBe(reason);
  });

  test('an error of several addresses is told by the first', () => {
    const refused = Object.assign(new Error('connect ECONNREFUSED ::1:1'), { code: 'ECONNREFUSED' });
    expect(problemOf(new AggregateError([refused, refused]))).toBe('the connection was refused (ECONNREFUSED)');
  });
});

describe('process identity', () => {
  test('this process lives, an ended one is dead, others are not known', () => {
    expect(isOwnerDead(makeOwnName())).toBe(false);
    const ended = spawnSync(process.execPath, ['--version']).pid;
    expect(isOwnerDead(makeOwnName().replace(/-\d+-/, `-${ended}-`))).toBe(true);
    expect(isOwnerDead(`000000000000-${ended}-00`)).toBe(false);
    for (const name of ['', 'x', 'a-b-c', `${makeOwnName().split('-')[0]}-0-x`]) expect(isOwnerDead(name)).toBe(false);
  });
});

describe('copySparse', () => {
  test('copies bytes, whatever the size, and reports them', async () => {
    const folder = makeFolder();
    for (const size of [0, 1, 65_536, 1_048_576, 3_000_001]) {
      const from = writeFileAt(join(folder, `from-${size}`), noise(size));
      let bytes = 0;
      const onBytes = (count: number): void => {
        bytes += count;
      };
      await expect(copySparse(from, join(folder, `to-${size}`), { onBytes })).resolves.toBe(size);
      expect(readFileSync(join(folder, `to-${size}`)).equals(noise(size))).toBe(true);
      expect(bytes).toBe(size);
    }
  });

  test('leaves holes where there are only zeros', async () => {
    const folder = makeFolder();
    const from = join(folder, 'disk');
    writeFileSync(from, noise(10));
    truncateSync(from, 64 * 1024 * 1024);
    const handle = await open(from, 'r+');
    await handle.write(noise(200_000), 0, 200_000, 33_000_001);
    await handle.write(Buffer.from('end'), 0, 3, 64 * 1024 * 1024 - 3);
    await handle.close();
    await copySparse(from, join(folder, 'copy'));
    expect(readFileSync(join(folder, 'copy')).equals(readFileSync(from))).toBe(true);
    expect(statSync(join(folder, 'copy')).blocks * 512).toBeLessThan(1024 * 1024);
  });

  test('leaves nothing when it fails or the file is changed meanwhile', async () => {
    const folder = makeFolder();
    const from = writeFileAt(join(folder, 'from'), noise(3_000_000));
    const change = copySparse(from, join(folder, 'to'), { onBytes: () => writeFileSync(from, noise(2_000_000)) });
    await expect(change).rejects.toMatchObject({ code: 'ARTIFACT_FILE_INVALID' });
    const signal = AbortSignal.abort(new Error('stop'));
    if (listTree(folder).includes('to')) throw new Error('left over');
    await copySparse(from, join(folder, 'to'), { signal }).catch(() => {});
    await expect(copySparse(join(folder, 'none'), join(folder, 'to2'))).rejects.toMatchObject({ code: 'ENOENT' });
    expect(listTree(folder)).not.toContain('to2');
  });
});
