import { join } from 'node:path';
import { describe, expect, test } from '@jest/globals';
import { compareKernelConfigs } from '../../../ci-automation/diff/kernel-config.ts';
import { newestFirst } from '../../../ci-automation/diff/newest.ts';
import { comparePackages, packageLines, parseOwners, parsePackages } from '../../../ci-automation/diff/packages.ts';
import { diffMarkdown } from '../../../ci-automation/diff/render.ts';
import { compareSizes, parseContents, sumBy, sumByFolder } from '../../../ci-automation/diff/sizes.ts';
import { knownTrees, readTreeDescription } from '../../../lib/tree/index.ts';

const trees = join(import.meta.dirname, '../../../config/trees');
const listsOf = async (name: string) => (await readTreeDescription(join(trees, `${name}.yaml`))).image.lists;

describe('the published lists of each tree', () => {
  const packages: Record<string, [string, [string, string][]]> = {
    skiff: [
      'less 590-2.1~deb12u2+skiff1 amd64 skiff\nlibc6 2.36-9 amd64 debian\n',
      [
        ['less', '590-2.1~deb12u2+skiff1'],
        ['libc6', '2.36-9'],
      ],
    ],
    flatcar: [
      'sys-apps/less-590-r1::portage-stable\napp-misc/c_rehash-1.7\nacct-group/adm-0-r3::x\nno package\n',
      [
        ['sys-apps/less', '590-r1'],
        ['app-misc/c_rehash', '1.7'],
        ['acct-group/adm', '0-r3'],
      ],
    ],
  };
  const contents: Record<string, [string, [string, number][]]> = {
    skiff: [
      '-rwxr-xr-x    0    0      12345 /usr/bin/less\ndrwxr-xr-x    0    0          0 /usr\nlrwxrwxrwx    0    0          4 /usr/bin/x -> less\n',
      [['/usr/bin/less', 12345]],
    ],
    flatcar: [
      '-rwxr-xr-x  1 root    root      12345 2026-11-20 21:00 ./usr/bin/less\ndrwxr-xr-x  2 root root 4096 2026-11-20 21:00 ./usr\n',
      [['/usr/bin/less', 12345]],
    ],
  };

  test.each(['skiff', 'flatcar'])('%s', async (name) => {
    const lists = await listsOf(name);
    const [packageText = '', expectedPackages] = packages[name] ?? [];
    const [contentsText = '', expectedContents] = contents[name] ?? [];
    expect([...parsePackages(packageText, lists.packages?.line ?? '')]).toEqual(expectedPackages);
    expect([...parseContents(contentsText, lists.contents?.line ?? '')]).toEqual(expectedContents);
  });

  test('no tree is left out here', async () => {
    expect((await knownTrees()).sort((a, b) => (a < b ? -1 : 1))).toEqual(['flatcar', 'skiff']);
  });
});

test('packages that were added, removed and changed', () => {
  const changes = comparePackages(
    new Map([
      ['a', '1'],
      ['b', '1'],
      ['c', '1'],
    ]),
    new Map([
      ['b', '2'],
      ['c', '1'],
      ['d', '1'],
    ]),
  );
  expect(packageLines(changes)).toEqual(['    - a 1', '    ~ b 1 → 2', '    + d 1']);
});

test('sizes by package and by folder, the largest difference first', async () => {
  const owners = parseOwners('less\t/usr/bin/less\njq\t/usr/bin/jq\n', (await listsOf('skiff')).owners?.line ?? '');
  const before = new Map([
    ['/usr/bin/less', 10],
    ['/usr/bin/jq', 10],
    ['/usr/lib/a/b/c/d', 5],
    ['/init', 1],
  ]);
  const after = new Map([
    ['/usr/bin/less', 30],
    ['/usr/bin/jq', 9],
    ['/usr/lib/a/b/c/d', 5],
    ['/init', 1],
  ]);
  const of = (sizes: Map<string, number>) => sumBy(sizes, (path) => owners.get(path));
  expect(compareSizes(of(before), of(after))).toEqual([
    { name: 'less', before: 10, after: 30 },
    { name: 'jq', before: 10, after: 9 },
  ]);
  expect([...sumByFolder(after)]).toEqual([
    ['/usr/bin', 39],
    ['/usr/lib/a', 5],
    ['/', 1],
  ]);
});

test('options of the kernel', () => {
  const before = 'CONFIG_A=y\n# CONFIG_B is not set\nCONFIG_C="x"\n# a comment\n';
  expect(compareKernelConfigs(before, 'CONFIG_A=m\nCONFIG_B=y\nCONFIG_D=64\n')).toEqual([
    { what: 'CONFIG_A', before: 'y', after: 'm' },
    { what: 'CONFIG_B', before: 'n', after: 'y' },
    { what: 'CONFIG_C', before: '"x"', after: undefined },
    { what: 'CONFIG_D', before: undefined, after: '64' },
  ]);
});

test('versions, newest first: digits count as numbers', () => {
  const versions = ['4888.0.0+nightly-20261120-2100', '4900.1.0', '4888.0.0+nightly-20261119-0900', '4888.0.0'];
  expect(newestFirst(versions)).toEqual([
    '4900.1.0',
    '4888.0.0',
    '4888.0.0+nightly-20261120-2100',
    '4888.0.0+nightly-20261119-0900',
  ]);
});

test('what others wrote stays a text in Markdown', () => {
  const markdown = diffMarkdown({
    before: '1.0.0',
    after: '1.0.1',
    packages: [{ name: 'a`b\n# title', before: undefined, after: '1' }],
    log: {
      commits: [{ commit: '0123456789abcdef', author: 'x', subject: '<img src=x> [link](javascript:1)\u001b[31m' }],
    },
    artifacts: { added: [], removed: [] },
  });
  expect(markdown).toContain('- `` a`b\\u000a# title `` `1`');
  expect(markdown).toContain('- `0123456789ab` \\<img src=x\\> \\[link\\](javascript:1)\\\\u001b\\[31m');
});
