import { execFile } from 'node:child_process';
import { existsSync, mkdirSync, readdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs';
import { homedir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { beforeAll, expect, jest, test } from '@jest/globals';
import { argumentsOf, BUILD } from '../helpers/fixture-pipeline.ts';
import { useWorlds } from '../helpers/fixture-world.ts';
import { useTempFolders } from '../helpers/temp.ts';

// npm and a compiler, on machines that may be busy.
jest.setTimeout(120_000);

const run = promisify(execFile);
const root = join(import.meta.dirname, '../..');
const makeFolder = useTempFolders();
const worlds = useWorlds();
/** What npm and npx need, and nothing that the npm around this test says. */
const env = { PATH: process.env.PATH, HOME: homedir(), npm_config_update_notifier: 'false' };
/** An empty project into which the package was installed. */
let project: string;
/** Folder of the installed package. */
let installed: string;

const npm = (cwd: string, ...args: string[]) => run('npm', args, { cwd, env, maxBuffer: 16 * 1024 ** 2 });

beforeAll(async () => {
  const packed = makeFolder('packed');
  await npm(root, 'pack', '--pack-destination', packed);
  const [tarball = ''] = readdirSync(packed);
  expect(tarball).toMatch(/^slipway-\d+\.\d+\.\d+\.tgz$/);
  project = makeFolder('project');
  writeFileSync(join(project, 'package.json'), '{ "name": "consumer", "private": true, "type": "module" }\n');
  // Without scripts: the one of the package 'node' downloads a whole Node, and the one that runs this test will do.
  const quiet = ['--prefer-offline', '--ignore-scripts', '--no-audit', '--no-fund'];
  await npm(project, 'install', ...quiet, join(packed, tarball));
  installed = join(project, 'node_modules/slipway');
}, 300_000);

test('the package has JavaScript, declarations and data, no sources and no tests, and asks for nothing of development', () => {
  const files = readdirSync(installed, { recursive: true, encoding: 'utf8' });
  const has = (path: string): boolean => files.includes(path);
  expect(
    ['dist/lib/api/version.js', 'dist/lib/api/version.d.ts', 'dist/ci-automation/packages.js', 'README.md'].filter(
      (path) => !has(path),
    ),
  ).toEqual([]);
  expect(
    [
      'dist/config/trees/skiff.yaml',
      'dist/config/podman/runc.conf',
      'dist/lib/container/layers/layer-worker.mjs',
    ].filter((path) => !has(path)),
  ).toEqual([]);
  expect(files.filter((path) => /(?<!\.d)\.ts$|\.test\./.test(path))).toEqual([]);
  expect(
    files.filter((path) => /enter\.mjs|setup\/bundle|stale-bundles|run-step\.sh|ci-automation\/nightly\.js/.test(path)),
  ).toEqual([]);
  const there = readdirSync(join(project, 'node_modules'));
  expect(there.filter((name) => ['typescript', 'jest', 'esbuild', '@biomejs'].includes(name))).toEqual([]);
});

test('every file that package.json names is there', () => {
  const manifest = JSON.parse(readFileSync(join(installed, 'package.json'), 'utf8')) as {
    readonly exports: Record<string, string | Record<string, string>>;
    readonly bin: Record<string, string>;
  };
  const named = [
    ...Object.values(manifest.exports).flatMap((target) =>
      typeof target === 'string' ? [target] : Object.values(target),
    ),
    ...Object.values(manifest.bin),
  ];
  expect(named.length).toBeGreaterThan(12);
  expect(named.filter((path) => !existsSync(join(installed, path)))).toEqual([]);
});

test('each module can be imported, and finds its workers and data', async () => {
  const program = `
    import { globSync, readFileSync, existsSync } from 'node:fs';
    import { dirname, join } from 'node:path';
    const dist = process.argv[1];
    for (const path of globSync('**/*.js', { cwd: dist })) {
      const file = join(dist, path);
      if (!path.includes('worker')) await import(file).catch((error) => console.log(path, error.message));
      for (const [, target] of readFileSync(file, 'utf8').matchAll(/new URL\\('([^']+)', import\\.meta\\.url\\)/g))
        if (!existsSync(join(dirname(file), target))) console.log(path, 'has no', target);
    }
    const { loadChecks } = await import(join(dist, 'lib/testing/load-checks.js'));
    const { knownTrees } = await import(join(dist, 'lib/tree/index.js'));
    console.log((await loadChecks()).length > 5, (await knownTrees()).join());`;
  const { stdout } = await run(process.execPath, ['--input-type=module', '--eval', program, join(installed, 'dist')], {
    env,
  });
  expect(stdout).toBe('true flatcar,skiff\n');
});

const CONSUMER = `
import { cache, isSlipwayError, version } from 'slipway';
import { type ArtifactRecord, openCache, type OpenedCache } from 'slipway/cache';
import { type Engine, openContainerCache, openEngine } from 'slipway/container';
import { exitCodeOf, SlipwayError } from 'slipway/errors';
import { openLog } from 'slipway/log';
import { loadSteps, renderReport } from 'slipway/report';
import { findTree, knownTrees, type TreeDescription } from 'slipway/tree';
import { compareVersions, parseVersion, type Version } from 'slipway/version';

const [folder = '', tree = ''] = process.argv.slice(2);
const parsed: Version = parseVersion('alpha-4799.0.0-nightly-20260821-2100');
// @ts-expect-error A version has no such property.
parsed.colour;
try {
  version.parseVersion('4799');
} catch (error) {
  if (!isSlipwayError(error, 'VERSION_INVALID')) throw error;
  console.log(error instanceof SlipwayError, error.code, exitCodeOf(error));
}

let said = '';
const log = openLog({ write: (text) => void (said += text), isTerminal: false });
await using opened: OpenedCache = await cache.openCache({ store: { dir: folder + '/cache' }, env: process.env, log });
const [published]: readonly ArtifactRecord[] = await opened.publish({ folder: 'things/1.0.0', files: [folder + '/thing.txt'] });
const fetched = await opened.fetch('things/1.0.0/thing.txt', folder + '/fetched');
const description: TreeDescription = await findTree(tree, '');
const engine: Engine = await openEngine({ env: process.env });
const containers = openContainerCache({ engine, cache: opened, layout: 'flat', workFolder: folder, env: process.env });
const reason = await containers
  .ensure({ name: 'none', version: '1', registry: '' })
  .then(() => '', (error: unknown) => (error instanceof SlipwayError ? error.code : String(error)));
console.log(
  JSON.stringify({
    cacheForm: parsed.cacheForm,
    newer: compareVersions(parseVersion('alpha-4800.0.0'), parsed) > 0,
    sha256: published?.sha256 === fetched.sha256,
    tree: description.name,
    trees: (await knownTrees()).length,
    engine: engine.name,
    reason,
    logged: said !== '',
    functions: [openCache, loadSteps, renderReport].every((one) => typeof one === 'function'),
  }),
);
`;

test('a strict TypeScript program that uses it compiles, declarations checked, and runs', async () => {
  writeFileSync(join(project, 'main.ts'), CONSUMER);
  const compilerOptions = {
    ...{ strict: true, exactOptionalPropertyTypes: true, noUncheckedIndexedAccess: true, skipLibCheck: false },
    ...{ module: 'nodenext', target: 'es2024', lib: ['es2025', 'esnext.disposable'], types: ['node'], outDir: 'out' },
  };
  writeFileSync(join(project, 'tsconfig.json'), JSON.stringify({ compilerOptions, files: ['main.ts'] }));
  mkdirSync(join(project, 'node_modules/@types'));
  for (const name of ['typescript', '@types/node', 'undici-types']) {
    symlinkSync(join(root, 'node_modules', name), join(project, 'node_modules', name));
  }
  await run(process.execPath, ['node_modules/typescript/bin/tsc'], { cwd: project, env }).catch(({ stdout }) => {
    throw new Error(stdout);
  });
  const world = worlds.fresh();
  writeFileSync(join(world.folder, 'thing.txt'), 'a thing\n');
  mkdirSync(join(world.folder, 'fetched'));
  const { stdout } = await run(process.execPath, ['out/main.js', world.folder, world.tree], {
    cwd: project,
    env: { ...world.env },
  });
  const [error, facts = ''] = stdout.split('\n');
  expect(error).toBe('true VERSION_INVALID 2');
  expect(JSON.parse(facts)).toEqual({
    cacheForm: '4799.0.0+nightly-20260821-2100',
    newer: true,
    sha256: true,
    tree: 'Skiff',
    trees: 2,
    engine: 'docker',
    reason: 'CONTAINER_IMAGE_MISSING',
    logged: true,
    functions: true,
  });
});

test('what is not exported cannot be imported', async () => {
  const inner = run(process.execPath, ['--input-type=module', '--eval', "await import('slipway/lib/step/main.js')"], {
    cwd: project,
    env,
  });
  await expect(inner).rejects.toMatchObject({ stderr: expect.stringContaining('ERR_PACKAGE_PATH_NOT_EXPORTED') });
});

test('steps run by npx in a tree, with its exit codes, results and the same effects', async () => {
  const world = worlds.fresh();
  const npx = (...args: string[]) =>
    run('npx', ['--prefix', project, 'slipway', ...args], {
      cwd: world.tree,
      env: { ...world.env, npm_config_update_notifier: 'false' },
    });
  for (const step of ['sdk_bootstrap', 'sdk_container', 'packages'] as const) {
    const { stdout } = await npx(step, ...argumentsOf(step));
    const file = stdout.trimEnd().split('\n').at(-1) ?? '';
    expect(JSON.parse(readFileSync(file, 'utf8'))).toMatchObject({ step, outcome: 'done', exitCode: 0 });
  }
  expect(
    existsSync(join(world.cache, `containers/${BUILD.dockerForm}/skiff-packages-amd64-${BUILD.dockerForm}.tar.zst`)),
  ).toBe(true);
  expect((await npx('cache', 'verify', '--deep')).stdout).toBeTruthy();
  const direct = (...args: string[]) =>
    run(join(project, 'node_modules/.bin/slipway'), args, { cwd: world.tree, env: { ...world.env } });
  await expect(direct('packages', 'sparc')).rejects.toMatchObject({
    code: 2,
    stderr: expect.stringContaining('sparc'),
  });
  await expect(direct('pakages')).rejects.toMatchObject({
    code: 2,
    stderr: expect.stringContaining('STEP_UNKNOWN'),
  });
  const { stdout: help } = await direct('--help');
  expect(help).toContain('  packages\n');
  expect(help).toContain('  doctor\n');
  expect(help).not.toMatch(/nightly|run-as-script|setup|job|bisect/);
});

test('without the Node of the package, an old one is told what to do', async () => {
  const bin = makeFolder();
  // The version is all that the program asks for.
  writeFileSync(join(bin, 'old.mjs'), "Object.defineProperty(process.versions, 'node', { value: '20.19.0' });\n");
  const program = join(installed, 'dist/lib/setup/slipway.mjs');
  const old = run(process.execPath, ['--import', join(bin, 'old.mjs'), program, 'config', '--help'], {
    cwd: project,
    env,
  });
  await expect(old).rejects.toMatchObject({ code: 2, stderr: expect.stringContaining('SETUP_NODE_OLD') });
  // And takes the package's own where npm was allowed to bring it.
  const own = join(project, 'node_modules/node/bin');
  mkdirSync(own, { recursive: true });
  symlinkSync(process.execPath, join(own, 'node'));
  const { stdout } = await run(process.execPath, ['--import', join(bin, 'old.mjs'), program, 'config', '--help'], {
    cwd: project,
    env,
  });
  expect(stdout).toContain('config: shows the settings');
});
