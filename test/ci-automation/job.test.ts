import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from '@jest/globals';
import { argumentsOf, parseJobRequest } from '../../ci-automation/job/request.ts';
import { withSecretFiles } from '../../ci-automation/job/secrets.ts';
import { formatSummary } from '../../ci-automation/job/summary.ts';
import { isSlipwayError } from '../../lib/errors/index.ts';
import { findPipelineFile, readPipeline } from '../../lib/pipeline/index.ts';
import { BUILD } from '../helpers/fixture-pipeline.ts';
import { useWorlds } from '../helpers/fixture-world.ts';
import { runProgram } from '../helpers/glue-run.ts';
import { SLIPWAY } from '../helpers/glue-world.ts';
import { useTempFolders } from '../helpers/temp.ts';

const LIMIT_MS = 120_000;
const JOB = join(SLIPWAY, 'ci-automation/job.ts');
const worlds = useWorlds();
const makeFolder = useTempFolders();
const pipeline = await readPipeline(await findPipelineFile(join(SLIPWAY, 'config')));

const codeOf = (words: readonly string[], env: Record<string, string>): string | undefined => {
  try {
    parseJobRequest(pipeline, words, env);
    return undefined;
  } catch (error) {
    return ['ARGUMENTS_WRONG', 'JOB_PARAMETER_INVALID', 'JOB_PARAMETER_MISSING'].find((code) =>
      isSlipwayError(error, code as 'ARGUMENTS_WRONG'),
    );
  }
};

describe('what a job is asked for', () => {
  const PIPELINE_TAG = BUILD.tag;

  test.each([
    ['sdk_bootstrap', ['debian', BUILD.tag]],
    ['sdk_container', []],
    ['packages amd64', ['amd64']],
    ['vms amd64 azure gce', ['amd64', 'azure', 'gce']],
    ['test amd64 qemu_uefi', ['amd64', 'qemu_uefi']],
  ])('%s becomes the arguments of the step', (words, expected) => {
    expect(argumentsOf(pipeline, parseJobRequest(pipeline, words.split(' '), { PIPELINE_TAG }))).toEqual(expected);
  });

  test.each([
    ['an unknown step', 'pakages amd64', { PIPELINE_TAG }, 'ARGUMENTS_WRONG'],
    ['no arch', 'packages', { PIPELINE_TAG }, 'ARGUMENTS_WRONG'],
    ['no format', 'vms amd64', { PIPELINE_TAG }, 'ARGUMENTS_WRONG'],
    ['too many words', 'image amd64 arm64', { PIPELINE_TAG }, 'ARGUMENTS_WRONG'],
    ['nothing from the first job', 'image amd64', {}, 'JOB_PARAMETER_MISSING'],
    ['a release without a version', 'version', { PIPELINE_VARIANT: 'release' }, 'JOB_PARAMETER_MISSING'],
    ['an unknown variant', 'version', { PIPELINE_VARIANT: 'relase' }, 'JOB_PARAMETER_INVALID'],
  ] as const)('%s is wrong use', (_, words, env, code) => {
    expect(codeOf(words.split(' '), { ...env })).toBe(code);
  });

  test('empty parameters, as forms of CIs send them, are as good as none', () => {
    const request = parseJobRequest(pipeline, ['version'], {
      PIPELINE_VARIANT: '',
      PIPELINE_VERSION: ' ',
      PIPELINE_SEED: '',
    });
    expect(request).toMatchObject({ variantName: 'nightly', version: undefined, seed: 'debian' });
  });
});

describe('secrets', () => {
  test('that came as texts are files that only the job can read, and are in no variable of the step', async () => {
    const folder = makeFolder();
    const env = await withSecretFiles(
      pipeline,
      {
        TEXT_OF_SIGNING_KEY: 'line 1\r\nline 2',
        TEXT_OF_SIGNER: 'me',
        bamboo_secret_BUILDCACHE_SSH_KEY: 'key',
        OTHER: 'kept',
      },
      folder,
    );
    expect(env).toEqual({
      SIGNING_KEY: join(folder, 'SIGNING_KEY'),
      SIGNER: 'me',
      BUILDCACHE_SSH_KEY: join(folder, 'BUILDCACHE_SSH_KEY'),
      OTHER: 'kept',
    });
    expect(readFileSync(join(folder, 'SIGNING_KEY'), 'utf8')).toBe('line 1\nline 2\n');
    expect(statSync(join(folder, 'SIGNING_KEY')).mode & 0o777).toBe(0o600);
  });

  test('that are files already are left alone, also beside an empty text', async () => {
    const env = await withSecretFiles(pipeline, { SIGNING_KEY: '/run/key', TEXT_OF_SIGNING_KEY: '' }, makeFolder());
    expect(env).toEqual({ SIGNING_KEY: '/run/key' });
  });
});

test('a summary shows what failed as text, whatever is in it', () => {
  const facts = { title: 'image amd64', tag: undefined, durationMs: 1500, result: undefined, reports: ['# Tests'] };
  expect(formatSummary({ ...facts, outcome: 'failed', reason: '<b>| no', hint: 'first\nsecond' })).toBe(
    '### ❌ image amd64: failed\n\n1.5 s\n\n    <b>| no\n    first\n    second\n\n# Tests\n',
  );
});

describe('a job that is stopped by its CI', () => {
  test(
    'stops the step, keeps its log and frees its containers',
    async () => {
      const world = worlds.fresh();
      const version = await runProgram([JOB, 'version'], { cwd: world.tree, env: world.env });
      expect({ exitCode: version.exitCode, output: version.exitCode === 0 ? '' : version.output }).toEqual({
        exitCode: 0,
        output: '',
      });
      const [, tag = ''] = /PIPELINE_TAG=(\S+)/.exec(world.read('tree/ci-artifacts/version/pipeline.env')) ?? [];
      world.behave('bootstrap_sdk_container', 'hang');
      const env = { ...world.env, PIPELINE_TAG: tag };
      const child = spawn(JOB, ['sdk_bootstrap'], { cwd: world.tree, env, stdio: 'ignore' });
      const ended = once(child, 'close');
      while (!existsSync(join(world.folder, 'hanging')) && child.exitCode === null) {
        await new Promise((resolve) => setTimeout(resolve, 20));
      }
      child.kill('SIGTERM');
      expect((await ended)[0]).toBe(143);
      expect(world.read('tree/ci-artifacts/sdk_bootstrap/summary.md')).toContain('interrupted');
      expect(world.read('tree/ci-artifacts/sdk_bootstrap/log.txt')).toContain('Interrupted by SIGTERM');
      expect(existsSync(join(world.tree, 'ci-cleanup.sh'))).toBe(false);
    },
    LIMIT_MS,
  );

  test(
    'and was killed leaves its cleanup to the next job in the checkout, or to job.ts cleanup',
    async () => {
      const world = worlds.fresh();
      writeFileSync(join(world.tree, 'ci-cleanup.sh'), 'false\ntouch "$FIXTURE_DIR/freed"\n');
      const end = await runProgram([JOB, 'cleanup'], { cwd: world.tree, env: world.env });
      expect(end.exitCode).toBe(0);
      expect(existsSync(join(world.folder, 'freed'))).toBe(true);
      expect(existsSync(join(world.tree, 'ci-cleanup.sh'))).toBe(false);
      const nothing = await runProgram([JOB, 'cleanup'], { cwd: world.tree, env: world.env });
      expect(nothing).toEqual({ exitCode: 0, output: '' });
    },
    LIMIT_MS,
  );
});

test(
  'a tag that is not on origin fails with what to look at, and the job leaves its log',
  async () => {
    const world = worlds.fresh();
    const env = { ...world.env, PIPELINE_TAG: BUILD.tag };
    const { exitCode, output } = await runProgram([JOB, 'image', 'amd64'], { cwd: world.tree, env });
    expect(exitCode).toBe(1);
    expect(output).toContain(`JOB_TAG_MISSING: The tag ${BUILD.tag} of this run is not on origin.`);
    expect(world.read('tree/ci-artifacts/image-amd64/log.txt')).toContain('JOB_TAG_MISSING');
  },
  LIMIT_MS,
);

test(
  'options of steps are refused: a job with --plan would build',
  async () => {
    const { exitCode, output } = await runProgram([JOB, '--plan', 'image', 'amd64'], {
      cwd: SLIPWAY,
      env: process.env,
    });
    expect({ exitCode, output }).toEqual({
      exitCode: 2,
      output: expect.stringContaining("job has no option '--plan'"),
    });
  },
  LIMIT_MS,
);
