import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeAll, describe, expect, test } from '@jest/globals';
import { useWorlds } from '../helpers/fixture-world.ts';
import { runProgram } from '../helpers/glue-run.ts';
import { type GlueWorld, makeGlueWorld, SLIPWAY } from '../helpers/glue-world.ts';

/** Some dozen programs one after the other; generous, because others may be at work on the machine. */
const LIMIT_MS = 900_000;
/** The Groovy line that Jenkins embeds, in Debian's package. */
const GROOVY = '/usr/share/groovy/embeddable/groovy-all-2.4.21.jar';
const worlds = useWorlds();
let glue: GlueWorld;

interface StageEnd {
  readonly name: string;
  readonly cell: Readonly<Record<string, string>>;
  readonly attempts: number;
  readonly outcome: 'SUCCESS' | 'FAILURE' | 'NOT_BUILT';
  readonly junit: number;
}

const run = async (
  name: string,
  {
    parameters = {},
    file = join(glue.world.tree, 'Jenkinsfile'),
    lose,
  }: { parameters?: Record<string, string>; file?: string; lose?: string } = {},
) => {
  const folder = join(glue.world.folder, name);
  const given = Object.fromEntries(Object.entries(parameters).map(([key, value]) => [`PARAM_${key}`, value]));
  const harness = join(SLIPWAY, 'test/helpers/jenkins-run.groovy');
  const words = [file, glue.url, folder, ...(lose === undefined ? [] : [lose])];
  const end = await runProgram(['java', '-cp', GROOVY, 'groovy.ui.GroovyMain', harness, ...words], {
    cwd: glue.world.folder,
    env: { ...glue.env, ...given },
  });
  const result = join(folder, 'result.json');
  return { ...end, stages: existsSync(result) ? (JSON.parse(readFileSync(result, 'utf8')) as StageEnd[]) : [] };
};

const shown = (stages: readonly StageEnd[]): string[] =>
  stages.map(({ name, cell, outcome }) => [name, ...Object.values(cell), outcome].join(' '));

beforeAll(() => {
  glue = makeGlueWorld(worlds, 'jenkins');
});

describe('the Jenkinsfile, in an executor of ours on the Groovy of Jenkins', () => {
  test(
    'a nightly builds both arches and all formats, also when a worker is lost',
    async () => {
      const { exitCode, output, stages } = await run('nightly', { lose: 'packages' });
      expect({ exitCode, output: exitCode === 0 ? '' : output }).toEqual({ exitCode: 0, output: '' });
      expect(shown(stages)).toEqual([
        ...['version SUCCESS', 'sdk_bootstrap SUCCESS', 'sdk_container SUCCESS'],
        ...['packages amd64 SUCCESS', 'packages arm64 SUCCESS', 'image amd64 SUCCESS', 'image arm64 SUCCESS'],
        ...['amd64', 'arm64'].flatMap((arch) => [`vms ${arch} qemu SUCCESS`, `vms ${arch} azure gce SUCCESS`]),
      ]);
      expect(stages.filter(({ attempts }) => attempts === 2).map(({ name }) => name)).toEqual(['packages', 'packages']);
      for (const arch of ['amd64', 'arm64']) expect(glue.images(arch).join(' ')).toMatch(/azure.*gce.*qemu/);
      expect(stages.filter(({ name, junit }) => name === 'vms' && junit !== 1)).toEqual([]);
      expect(glue.containers()).toEqual([]);
      // Each job has its own folder in what is archived of the run.
      const archive = join(glue.world.folder, 'nightly/archive/ci-artifacts');
      for (const job of ['version', 'image-amd64', 'image-arm64', 'vms-arm64-clouds']) {
        expect(readFileSync(join(archive, job, 'summary.md'), 'utf8')).toContain('done');
      }
    },
    LIMIT_MS,
  );

  test(
    'a nightly without a change ends well and calls nothing of the tree',
    async () => {
      glue.world.takeCalls();
      const { exitCode, stages } = await run('unchanged');
      expect({ exitCode, failed: stages.filter(({ outcome }) => outcome !== 'SUCCESS') }).toEqual({
        exitCode: 0,
        failed: [],
      });
      expect(glue.world.takeCalls()).toEqual([]);
    },
    LIMIT_MS,
  );

  test(
    'a release that fails keeps its logs, frees its containers and builds nothing more',
    async () => {
      glue.pushChange();
      glue.world.behave('build_packages', 'fail');
      const parameters = { PIPELINE_VARIANT: 'release', PIPELINE_VERSION: 'alpha-4888.0.0' };
      const { exitCode, stages } = await run('release', { parameters });
      expect(exitCode).toBe(1);
      expect(shown(stages)).toEqual([
        ...['version SUCCESS', 'sdk_bootstrap SUCCESS', 'sdk_container SUCCESS'],
        ...['packages amd64 FAILURE', 'packages arm64 FAILURE', 'image NOT_BUILT', 'vms NOT_BUILT'],
      ]);
      const log = join(glue.world.folder, 'release/archive/ci-artifacts/packages-amd64/log.txt');
      expect(readFileSync(log, 'utf8')).toContain('build_packages: giving up');
      expect(glue.containers()).toEqual([]);
    },
    LIMIT_MS,
  );

  test.each([
    ['a missing brace', (text: string) => text.replace(/\}\s*$/, ''), /SYNTAX/],
    [
      'an unknown directive',
      (text: string) => text.replace('steps {', 'step {'),
      /INVALID: Stage: unknown section or directive "step"/,
    ],
  ])(
    'with %s is refused',
    async (_, spoil, message) => {
      const file = join(glue.world.folder, 'Wrong');
      writeFileSync(file, spoil(readFileSync(join(SLIPWAY, 'config/glue/jenkins/Jenkinsfile'), 'utf8')));
      const { exitCode, output } = await run('wrong', { file });
      expect(exitCode).toBe(3);
      expect(output).toMatch(message);
    },
    LIMIT_MS,
  );
});
