import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { fill } from '../../../lib/config/index.ts';
import { findTree, knownTrees, readTreeDescription, readTreeList } from '../../../lib/tree/index.ts';

const TREES = join(import.meta.dirname, '..', '..', '..', 'config', 'trees');
const VERSION_FILE = 'sdk_container/.repo/manifests/version.txt';

let root = '';
beforeEach(async () => {
  root = await mkdtemp(join(tmpdir(), 'tree-'));
});
afterEach(() => rm(root, { recursive: true }));

const writeVersion = async (text: string): Promise<void> => {
  await mkdir(join(root, 'sdk_container/.repo/manifests'), { recursive: true });
  await writeFile(join(root, VERSION_FILE), text);
};

describe('the described trees', () => {
  it('are all valid', async () => {
    for (const name of await knownTrees())
      await expect(readTreeDescription(join(TREES, `${name}.yaml`))).resolves.toBeDefined();
  });

  it('say every fault of a wrong description', async () => {
    const file = join(root, 'x.yaml');
    await writeFile(file, 'name: X\nvariablePrefix: lower\nsurprise: 1\n');
    const error = await readTreeDescription(file).catch((thrown: { code: string; hint: string }) => thrown);
    expect(error).toMatchObject({ code: 'TREE_DESCRIPTION_INVALID' });
    expect((error as { hint: string }).hint).toMatch(/variablePrefix[\s\S]*surprise/);
  });
});

describe('finding the tree of a checkout', () => {
  it('goes by the variables in the version file', async () => {
    await writeVersion('SKIFF_VERSION=1.2.3\n');
    await expect(findTree(root, '')).resolves.toMatchObject({ name: 'Skiff' });
  });

  it('says what it looked for when this is no OS tree', async () => {
    await expect(findTree(root, '')).rejects.toMatchObject({
      code: 'TREE_NOT_FOUND',
      kind: 'misuse',
      message: expect.stringContaining(VERSION_FILE),
    });
    await writeVersion('OTHER_VERSION=1\n');
    await expect(findTree(root, '')).rejects.toMatchObject({ code: 'TREE_NOT_FOUND' });
  });

  it('takes a description that the checkout brings along', async () => {
    await writeVersion('FORK_VERSION=1.2.3\n');
    const text = await readFile(join(TREES, 'flatcar.yaml'), 'utf8');
    const own = text
      .replace('variablePrefix: FLATCAR_', 'variablePrefix: FORK_')
      .replace('name: Flatcar', 'name: Fork of Flatcar');
    await writeFile(join(root, 'own-tree.yaml'), own);
    await expect(findTree(root, 'own-tree.yaml')).resolves.toMatchObject({ name: 'Fork of Flatcar Container Linux' });
    await expect(findTree(root, 'other-tree.yaml')).rejects.toMatchObject({ code: 'TREE_UNKNOWN' });
  });

  it('names the known trees', async () => {
    await expect(findTree(root, 'skif')).rejects.toMatchObject({
      code: 'TREE_UNKNOWN',
      message: expect.stringContaining("Did you mean 'skiff'?"),
    });
  });
});

describe('fill', () => {
  it('fills every placeholder and refuses unknown ones', () => {
    expect(fill('a/${x}/${y}-${x}', { x: '1', y: '2' })).toBe('a/1/2-1');
    expect(() => fill('${nope}', {})).toThrow('no value for ${nope}');
  });
});

describe('lists that a tree keeps in its own files', () => {
  const write = async (path: string, text: string): Promise<void> => {
    await mkdir(dirname(join(root, path)), { recursive: true });
    await writeFile(join(root, path), text);
  };
  const lists = {
    words: { kind: 'shell-array', file: 'words.sh', array: 'my_words' },
    oems: { kind: 'ebuild-folders', folder: 'overlay', prefix: 'oem-' },
  } as const;
  const read = (name: string, arch = 'amd64') => readTreeList(root, { lists }, name, arch);

  it('reads a shell array as data', async () => {
    await write('words.sh', '# one\nif true; then x=1; fi\nmy_words=(\n  \'a|b/c\'  # first\n  "d&e" f\n)\n');
    await expect(read('words')).resolves.toEqual(['a|b/c', 'd&e', 'f']);
  });

  it.each(['my_words=($(touch x))', 'my_words=("$HOME")', 'my_words=(`id`)', 'my_words=(a', 'other=(a)'])(
    'refuses %s, which is more than data',
    async (text) => {
      await write('words.sh', `${text}\n`);
      await expect(read('words')).rejects.toMatchObject({ code: 'TREE_LIST_UNREADABLE', kind: 'misuse' });
    },
  );

  it('finds the folders whose recipes are for the architecture, and executes none of them', async () => {
    await write('overlay/oem-zoo/oem-zoo-0.ebuild', 'EAPI=8\nKEYWORDS="amd64 arm64"\n');
    await write('overlay/oem-ami/oem-ami-1.ebuild', 'touch /tmp/executed-by-mistake\nKEYWORDS="amd64 -arm64"\n');
    await write('overlay/oem-young/oem-young-9999.ebuild', "KEYWORDS='~arm64'\n");
    await write('overlay/coreos/coreos-0.ebuild', 'KEYWORDS="amd64 arm64"\n');
    await expect(read('oems')).resolves.toEqual(['ami', 'zoo']);
    await expect(read('oems', 'arm64')).resolves.toEqual(['young', 'zoo']);
  });

  it('says when the recipes are not where they should be', async () => {
    await expect(read('oems')).rejects.toMatchObject({ code: 'TREE_LIST_UNREADABLE' });
    await mkdir(join(root, 'overlay/oem-empty'), { recursive: true });
    await expect(read('oems')).rejects.toThrow('it has no recipe');
  });
});
