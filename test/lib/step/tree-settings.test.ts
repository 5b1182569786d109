import { describe, expect, it } from '@jest/globals';
import { loadSettings, type ShellFile } from '../../../lib/config/index.ts';
import { evaluateShell } from '../../../lib/config/shell/evaluate.ts';
import { adaptTree, environmentAfter } from '../../../lib/step/tree-settings.ts';
import type { TreeDescription } from '../../../lib/tree/index.ts';

const read = (text: string, env: Record<string, string> = {}): ShellFile => ({
  file: '/tree/their.env',
  ...evaluateShell(text, env),
});

const TREE = {
  settingsFile: {
    path: 'their.env',
    authorName: 'CI_GIT_AUTHOR',
    authorEmail: 'CI_GIT_EMAIL',
    imageRoot: 'CONTAINER_IMAGE_ROOT',
  },
  author: { name: 'ci', email: 'ci@example.org' },
  image: { root: '/home/sdk/build/images', hostRoot: '__build__/images/images' },
} as unknown as TreeDescription;

describe('the description of the tree', () => {
  it('takes author and folder of the images from the file', () => {
    const text =
      'CI_GIT_AUTHOR="our ci"\nCI_GIT_EMAIL=ci@ours.example\nCONTAINER_IMAGE_ROOT="/home/sdk/build/other/place"';
    expect(adaptTree(TREE, read(text))).toEqual({
      ...TREE,
      author: { name: 'our ci', email: 'ci@ours.example' },
      image: { root: '/home/sdk/build/other/place', hostRoot: '__build__/images/other/place' },
    });
  });

  it('stays as it is where the file says nothing, or nothing that can be read', () => {
    expect(adaptTree(TREE, read('A=1\nCI_GIT_AUTHOR=$(id -un)\nCI_GIT_EMAIL='))).toEqual(TREE);
  });

  it('knows no folder on the host for one that is not mounted', () => {
    expect(adaptTree(TREE, read('CONTAINER_IMAGE_ROOT=/var/images')).image).toEqual({
      root: '/var/images',
      hostRoot: '__build__/images/images',
    });
  });
});

describe('the environment of programs', () => {
  const environmentOf = async (text: string, env: Record<string, string>, flags: Record<string, string> = {}) => {
    const treeFile = read(text, env);
    const loaded = await loadSettings({ flags, env, files: [], treeFile, cwd: '/tree' });
    return environmentAfter(env, treeFile, loaded);
  };

  it('is what a shell would have after reading the file: exports, and new values of what was there', async () => {
    const text =
      'export USE="a b"\nBUILDCACHE_USER=them\nBUILDCACHE_PATH_PREFIX=/x\nHTTP=1\nexport HTTP\n: ${TEAM:=us}';
    await expect(environmentOf(text, { BUILDCACHE_USER: 'me', TEAM: '', PATH: '/bin' })).resolves.toEqual({
      PATH: '/bin',
      USE: 'a b',
      HTTP: '1',
      BUILDCACHE_USER: 'them',
      TEAM: 'us',
    });
  });

  it('has what a flag sets, where the tree asks the environment for it', async () => {
    const text = 'BUILDCACHE_SERVER="${BUILDCACHE_SERVER:-theirs}"\nSIGNER=x\ndocker=podman\nREGISTRY_PASSWORD=x';
    const flags = {
      BUILDCACHE_SERVER: 'mine',
      BUILDCACHE_USER: 'me',
      SIGNER: 'y',
      docker: 'z',
      REGISTRY_PASSWORD: 'secret',
    };
    await expect(environmentOf(text, {}, flags)).resolves.toEqual({ BUILDCACHE_SERVER: 'mine' });
  });
});
