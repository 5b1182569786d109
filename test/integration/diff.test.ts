/** Two published builds are compared: with the lists and images that the step scripts published. */
import { readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeAll, expect, jest, test } from '@jest/globals';
import { BUILD } from '../helpers/fixture-pipeline.ts';
import { type FixtureWorld, useWorlds } from '../helpers/fixture-world.ts';
import { NEXT, publishBuild, publishNext, runCommand, VERSION } from '../helpers/reproduce-world.ts';

jest.setTimeout(300_000);
const worlds = useWorlds();
const next = NEXT.replace('main-', '').replace('-', '+');
let world: FixtureWorld;

beforeAll(async () => {
  world = worlds.fresh();
  await publishBuild(world);
  await publishNext(world);
});

const diff = (...args: string[]) =>
  runCommand(world, 'diff', [BUILD.tag, NEXT, `--repository=${world.origin}`, ...args]);

test('on a terminal: packages, sizes, kernel configuration, commits, images', async () => {
  const end = await diff();
  expect(end).toMatchObject({ exitCode: 0 });
  const lines = end.stdout.split('\n').map((line) => line.trim());
  expect(lines).toEqual(
    expect.arrayContaining([
      `${VERSION} → ${next}`,
      '~ less 590 → 608',
      'less: 25 B → 46 B (+21 B)',
      '/usr/bin: 46 B → 67 B (+21 B)',
      'CONFIG_EXT4_FS: y → n',
      expect.stringMatching(/^[0-9a-f]{12} less: 608, \*with\* `marks`$/),
      expect.stringMatching(/^~ \/bin\/less \(text\)/),
      expect.stringMatching(/^~ \/share\/release \(text\)/),
    ]),
  );
  expect(end.stdout).not.toContain('jq');
});

test('as Markdown for release notes, and as a page', async () => {
  const page = join(world.folder, 'page.html');
  const end = await diff('--markdown', `--html=${page}`);
  expect(end).toMatchObject({ exitCode: 0 });
  expect(end.stdout).toContain('## Changed packages\n\n- `less` `590` → `608`\n');
  expect(end.stdout).toContain('- `CONFIG_EXT4_FS`: `y` → `n`');
  expect(end.stdout).toMatch(/^- `[0-9a-f]{12}` less: 608, \\\*with\\\* \\`marks\\`$/m);
  expect(end.stdout).toContain('- `USR-A › /bin/less`: 25 bytes → 46 bytes');
  const text = readFileSync(page, 'utf8');
  for (const id of ['packages', 'size', 'kernel', 'commits', 'images']) expect(text).toContain(`<h2 id="${id}">`);
});

test('as JSON', async () => {
  const end = await diff('--json', '--lists-only');
  expect(JSON.parse(end.stdout)).toMatchObject({
    before: VERSION,
    after: next,
    packages: [{ name: 'less', before: '590', after: '608' }],
    kernelConfig: [{ what: 'CONFIG_EXT4_FS', before: 'y', after: 'n' }],
    size: { total: { before: 86, after: 107 } },
  });
});

test('a build with itself', async () => {
  const end = await runCommand(world, 'diff', [NEXT, next]);
  expect(end).toMatchObject({ exitCode: 0 });
  expect(end.stdout).toContain('skiff_production_image.bin.zst: the same');
});

test.each([
  ['a version that is not there', [NEXT, 'main-4000.0.0'], 1, 'DIFF_NOT_PUBLISHED'],
  ['a format that is not there', [BUILD.tag, NEXT, '--format=iso'], 1, 'DIFF_NOT_PUBLISHED'],
  ['one version', [NEXT], 2, 'ARGUMENTS_WRONG'],
])('%s', async (_, args, exitCode, code) => {
  const end = await runCommand(world, 'diff', args);
  expect(end).toMatchObject({ exitCode });
  expect(end.stderr).toContain(`error ${code}`);
});

test('without a list of packages the rest is told all the same', async () => {
  const copy = worlds.copyOf(world);
  rmSync(join(copy.cache, 'images/amd64', VERSION, 'skiff_production_image_packages.txt'));
  const end = await runCommand(copy, 'diff', [BUILD.tag, NEXT, '--lists-only']);
  expect(end).toMatchObject({ exitCode: 0 });
  expect(end.stdout).toContain('one of the builds has no published list');
  expect(end.stdout).toContain('CONFIG_EXT4_FS: y → n');
});

test('a list that was changed since is not believed: exit 3', async () => {
  const copy = worlds.copyOf(world);
  writeFileSync(
    join(copy.cache, 'images/amd64', VERSION, 'skiff_production_image_packages.txt'),
    'less 1 amd64 skiff\n',
  );
  const end = await runCommand(copy, 'diff', [BUILD.tag, NEXT, '--lists-only']);
  expect(end).toMatchObject({ exitCode: 3 });
});
