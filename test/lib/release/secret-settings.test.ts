import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from '@jest/globals';
import { describeSettings, loadSettings, secretsOf, settingsHelp } from '../../../lib/config/index.ts';
import { createLog, createMask } from '../../../lib/log/index.ts';
import { parseCommandLine } from '../../../lib/step/index.ts';
import { RESULT_SCHEMA, writeResult } from '../../../lib/step/result.ts';

const load = () =>
  loadSettings({ flags: {}, env: { HOME: '/nowhere', REGISTRY_PASSWORD: 'pass-word-1' }, files: [], cwd: '/nowhere' });

describe('a secret setting', () => {
  it('has no flag: a command line can be read by everyone on the machine', () => {
    expect(() => parseCommandLine(['--registry-password', 'x'], 'release')).toThrow(
      expect.objectContaining({ code: 'FLAG_UNKNOWN' }),
    );
    expect(settingsHelp().join('\n')).not.toContain('--registry-password');
  });

  it('is not shown with the others, and is hidden in logs', async () => {
    const loaded = await load();
    expect(loaded.values.REGISTRY_PASSWORD).toBe('pass-word-1');
    expect(JSON.stringify(describeSettings(loaded))).not.toContain('pass-word-1');
    expect(secretsOf(loaded.values)).toContain('pass-word-1');
  });

  it('is hidden in a result file, which keeps the last words of a command that failed', async () => {
    const root = await mkdtemp(join(tmpdir(), 'result-'));
    const log = createLog(() => {}, Date.now, createMask([]));
    log.hide(['pass-word-1']);
    const file = await writeResult(
      root,
      'release',
      {
        schema: RESULT_SCHEMA,
        step: 'release',
        arguments: [],
        outcome: 'failed',
        exitCode: 1,
        startedAt: '',
        durationMs: 1,
        inputs: [],
        outputs: [],
        traffic: [],
        error: { code: 'COMMAND_FAILED', message: 'plume ended', hint: 'denied: pass-word-1' },
      },
      log.mask,
    );
    expect(await readFile(file, 'utf8')).toContain('denied: ***');
    await rm(root, { recursive: true });
  });
});
