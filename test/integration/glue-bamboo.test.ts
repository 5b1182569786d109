import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeAll, describe, expect, test } from '@jest/globals';
import { load } from 'js-yaml';
import { type BambooEnd, type BambooRequest, runBamboo } from '../helpers/bamboo-run.ts';
import { useWorlds } from '../helpers/fixture-world.ts';
import { runProgram } from '../helpers/glue-run.ts';
import { type GlueWorld, makeGlueWorld, SLIPWAY } from '../helpers/glue-world.ts';
import { useTempFolders } from '../helpers/temp.ts';

/** Some dozen programs one after the other; generous, because others may be at work on the machine. */
const LIMIT_MS = 900_000;
const worlds = useWorlds();
const makeTempFolder = useTempFolders();
const SPEC = 'bamboo-specs/bamboo.yml';
let glue: GlueWorld;

const run = (name: string, request: Partial<BambooRequest> = {}): Promise<BambooEnd> =>
  runBamboo({
    file: join(glue.world.tree, SPEC),
    repository: glue.url,
    folder: join(glue.world.folder, name),
    env: glue.env,
    ...request,
  });

const kept = (name: string, path: string): string =>
  readFileSync(join(glue.world.folder, name, 'artifacts', path), 'utf8');

beforeAll(() => {
  glue = makeGlueWorld(worlds, 'bamboo');
});

describe('the plan for Bamboo, in an executor of ours', () => {
  test(
    'a nightly builds both arches and all formats',
    async () => {
      const { jobs, output } = await run('nightly', { variables: { 'secret.BUILDCACHE_SSH_KEY': 'not a key' } });
      const wrong = Object.entries(jobs).filter(([, outcome]) => outcome !== 'successful');
      expect({ wrong, output: wrong.length === 0 ? '' : output }).toEqual({ wrong: [], output: '' });
      expect(Object.keys(jobs)).toHaveLength(11);
      for (const arch of ['amd64', 'arm64']) expect(glue.images(arch).join(' ')).toMatch(/azure.*gce.*qemu/);
      expect(glue.containers()).toEqual([]);
      expect(kept('nightly', 'image-arm64/image-arm64/summary.md')).toContain('image arm64: done');
      expect(
        readdirSync(join(glue.world.folder, 'nightly/artifacts/vms-amd64-clouds/vms-amd64-clouds/junit')),
      ).toHaveLength(1);
      expect(output).not.toContain('not a key');
    },
    LIMIT_MS,
  );

  test(
    'a nightly without a change ends well and calls nothing of the tree',
    async () => {
      glue.world.takeCalls();
      const { jobs } = await run('unchanged');
      expect(new Set(Object.values(jobs))).toEqual(new Set(['successful']));
      expect(glue.world.takeCalls()).toEqual([]);
    },
    LIMIT_MS,
  );

  test(
    'a release that fails keeps its logs and frees its containers',
    async () => {
      glue.pushChange();
      glue.world.behave('build_packages', 'fail');
      const variables = { PIPELINE_VARIANT: 'release', PIPELINE_VERSION: 'alpha-4888.0.0' };
      const { jobs } = await run('release', { variables });
      expect(jobs).toMatchObject({
        'version-job': 'successful',
        sdk_bootstrap: 'successful',
        'packages-amd64': 'failed',
        'image-amd64': 'not run',
      });
      expect(kept('release', 'packages-amd64/packages-amd64/log.txt')).toContain('build_packages: giving up');
      expect(glue.containers()).toEqual([]);
    },
    LIMIT_MS,
  );
});

/** The published types cannot be used as a whole: their index signature contradicts the other keys. */
const typed = (text: string): string => {
  const { version, plan, variables, triggers, stages, ...jobs } = load(text) as Record<string, unknown>;
  return `import type { BambooCISpecification, Job } from '@schemastore/bamboo-spec';
type Known = Pick<BambooCISpecification, 'version' | 'plan' | 'variables' | 'triggers' | 'stages'>;
export const known: Known = ${JSON.stringify({ version, plan, variables, triggers, stages })};
export const jobs: Record<string, Job> = ${JSON.stringify(jobs)};
`;
};

test('the plan for Bamboo has the published form', async () => {
  const folder = makeTempFolder();
  const text = readFileSync(join(SLIPWAY, 'config/glue/bamboo', SPEC), 'utf8');
  writeFileSync(join(folder, 'right.ts'), typed(text));
  writeFileSync(
    join(folder, 'wrong.ts'),
    typed(text.replace('shared: false', 'shared: sometimes').replace('scope: RESULT', 'scope: [1]')),
  );
  const paths = JSON.stringify({
    '@schemastore/bamboo-spec': [join(SLIPWAY, 'node_modules/@schemastore/bamboo-spec/index.d.ts')],
  });
  const options = `{ "noEmit": true, "strict": true, "skipLibCheck": true, "types": [], "module": "nodenext", "paths": ${paths} }`;
  const check = (name: string) => {
    writeFileSync(join(folder, 'tsconfig.json'), `{ "compilerOptions": ${options}, "files": ["${name}.ts"] }`);
    return runProgram([join(SLIPWAY, 'node_modules/.bin/tsc'), '-p', folder], { cwd: folder, env: process.env });
  };
  expect(await check('right')).toEqual({ exitCode: 0, output: '' });
  const wrong = await check('wrong');
  expect(wrong.exitCode).not.toBe(0);
  expect(wrong.output).toMatch(/TS2322/);
}, 60_000);
