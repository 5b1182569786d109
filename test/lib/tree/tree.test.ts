import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { fill } from '../../../lib/config/index.ts';
import { findTree, knownTrees, readTreeDescription } from '../../../lib/tree/index.ts';

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
