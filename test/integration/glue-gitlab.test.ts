import { execFileSync } from 'node:child_process';
import { existsSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { beforeAll, describe, expect, test } from '@jest/globals';
import { load } from 'js-yaml';
import { useWorlds } from '../helpers/fixture-world.ts';
import { runProgram } from '../helpers/glue-run.ts';
import { type GlueWorld, makeGlueWorld, SLIPWAY } from '../helpers/glue-world.ts';

/** GitLab's pipelines on this machine: reads the file as GitLab does and really runs its jobs, each in a copy of the checkout. */
const ENGINE = [
  join(SLIPWAY, 'node_modules/node/bin/node'),
  join(SLIPWAY, 'node_modules/gitlab-ci-local/dist/index.js'),
  '--force-shell-executor',
  '--shell-isolation',
  '--artifacts-to-source=false',
  // As if somebody had started the pipeline.
  '--ignore-predefined-vars',
  'CI_PIPELINE_SOURCE',
];

/** Some dozen programs one after the other; generous, because others may be at work on the machine. */
const LIMIT_MS = 900_000;
const worlds = useWorlds();
let glue: GlueWorld;
let clone: string;

const freshClone = (): void => {
  rmSync(clone, { recursive: true, force: true });
  execFileSync('git', ['clone', '--quiet', '--depth=1', glue.url, clone], { env: glue.env });
};

const run = (args: readonly string[] = [], variables: Readonly<Record<string, string>> = {}) => {
  const given = Object.entries({ CI_PIPELINE_SOURCE: 'web', ...variables }).flatMap(([name, value]) => [
    '--variable',
    `${name}=${value}`,
  ]);
  return runProgram([...ENGINE, ...given, ...args], { cwd: clone, env: glue.env });
};

/** The outcome of each job as the engine lists them at the end. */
const outcomes = (output: string): Record<string, string> =>
  Object.fromEntries(
    [...output.matchAll(/^ (PASS|FAIL) +(\S.*?) *$/gm)].map(([, outcome = '', job = '']) => [job, outcome]),
  );

/** What a job left; the engine keeps it below a folder by the name of the job. */
const keptFiles = (): string[] => {
  const folder = join(clone, '.gitlab-ci-local/artifacts');
  return existsSync(folder)
    ? readdirSync(folder, { recursive: true, encoding: 'utf8' }).filter((name) => /\.\w+$/.test(name))
    : [];
};

const readKept = (end: string): string => {
  const path = keptFiles().find((name) => name.endsWith(end));
  return path === undefined ? '' : readFileSync(join(clone, '.gitlab-ci-local/artifacts', path), 'utf8');
};

beforeAll(() => {
  glue = makeGlueWorld(worlds, 'gitlab');
  clone = join(glue.world.folder, 'clone');
});

const NIGHTLY = [
  ...['version', 'sdk_bootstrap', 'sdk_container', 'packages-amd64', 'packages-arm64', 'image-amd64', 'image-arm64'],
  ...['amd64', 'arm64'].flatMap((arch) => [`vms-${arch}: [qemu]`, `vms-${arch}: [azure gce]`]),
];

describe('.gitlab-ci.yml in gitlab-ci-local', () => {
  test(
    'a nightly from a clean clone builds both arches and all formats',
    async () => {
      freshClone();
      const { exitCode, output } = await run();
      expect({ exitCode, output: exitCode === 0 ? '' : output }).toEqual({ exitCode: 0, output: '' });
      expect(outcomes(output)).toEqual(Object.fromEntries(NIGHTLY.map((job) => [job, 'PASS'])));
      for (const arch of ['amd64', 'arm64']) {
        expect(glue.images(arch).join(' ')).toMatch(/azure.*gce.*qemu/);
      }
      expect(glue.containers()).toEqual([]);
      const kept = keptFiles().join('\n');
      for (const name of ['version/pipeline.env', 'sdk_bootstrap/log.txt', 'image-arm64/summary.md'])
        expect(kept).toContain(name);
      expect(kept).toMatch(/vms-amd64-clouds\/junit\/\S+\.xml/);
      expect(readKept('image-arm64/summary.md')).toMatch(/image arm64: done[\s\S]*images\/arm64\//);
    },
    LIMIT_MS,
  );

  test(
    'a nightly without a change ends well and calls nothing of the tree',
    async () => {
      glue.world.takeCalls();
      freshClone();
      const { exitCode, output } = await run();
      expect({ exitCode, outcomes: outcomes(output) }).toEqual({
        exitCode: 0,
        outcomes: Object.fromEntries(NIGHTLY.map((job) => [job, 'PASS'])),
      });
      expect(readKept('version/pipeline.env')).toBe('PIPELINE_TAG=none\n');
      expect(glue.world.takeCalls()).toEqual([]);
    },
    LIMIT_MS,
  );

  test(
    'a release that fails keeps its logs, frees its containers and fails the pipeline; the job goes well when it is tried again',
    async () => {
      glue.pushChange();
      glue.world.behave('build_packages', 'fail');
      freshClone();
      const release = { PIPELINE_VARIANT: 'release', PIPELINE_VERSION: 'alpha-4888.0.0' };
      const failed = await run([], release);
      expect(failed.exitCode).toBe(1);
      const ends = outcomes(failed.output);
      expect(ends).toMatchObject({ version: 'PASS', sdk_bootstrap: 'PASS', 'packages-amd64': 'FAIL' });
      expect(ends['image-amd64']).toBeUndefined();
      expect(readKept('packages-amd64/log.txt')).toContain('build_packages: giving up');
      expect(readKept('packages-amd64/summary.md')).toMatch(/packages amd64: failed[\s\S]*build_packages/);
      expect(glue.containers()).toEqual([]);
      expect(glue.world.takeCalls().some(([name]) => name === 'bootstrap_sdk_container')).toBe(false);

      glue.world.behave('build_packages', undefined);
      const again = await run(['packages-amd64'], release);
      expect({ exitCode: again.exitCode, output: again.exitCode === 0 ? '' : again.output }).toEqual({
        exitCode: 0,
        output: '',
      });
      expect(readKept('packages-amd64/summary.md')).toContain('packages amd64: done');
    },
    LIMIT_MS,
  );

  test('starts nothing when something is pushed, or else the first job would start the next run', () => {
    const { workflow } = load(readFileSync(join(glue.world.tree, '.gitlab-ci.yml'), 'utf8')) as {
      readonly workflow: { readonly rules: readonly { readonly if: string }[] };
    };
    const sources = workflow.rules.map((rule) => /^\$CI_PIPELINE_SOURCE == "(\w+)"$/.exec(rule.if)?.[1]);
    expect(sources).toEqual(['schedule', 'web', 'api', 'trigger', 'pipeline']);
  });
});
