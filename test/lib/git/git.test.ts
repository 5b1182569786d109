import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, beforeEach, describe, expect, it, jest } from '@jest/globals';
import { createGit } from '../../../lib/git/index.ts';
import { createLog } from '../../../lib/log/index.ts';
import { createPlanningRunner, createRunner } from '../../../lib/process/index.ts';
import { explainVersion } from '../../../lib/version/index.ts';
import {
  gitTestEnv,
  makeOriginTemplate,
  type OriginTemplate,
  type TestClone,
  type TestOrigin,
} from '../../helpers/git-clone.ts';
import { examples } from '../version/examples.ts';

// Real git, many processes: fine in a second, and still fine on a machine that is busy with something else.
jest.setTimeout(30_000);

let template: OriginTemplate;
let origin: TestOrigin;
let clone: TestClone;

beforeAll(async () => {
  template = await makeOriginTemplate({ 'src/a.txt': 'a\n', 'version.txt': 'one\n', '.gitignore': 'ignored\n' });
  origin = await template.copy();
});
beforeEach(async () => {
  clone = await origin.clone();
});
afterAll(async () => {
  await origin.remove();
  await template.remove();
});

describe('questions', () => {
  it('HEAD, branch, commit facts', async () => {
    const head = await clone.run('rev-parse', 'HEAD');
    expect(await clone.git.head()).toBe(head);
    expect(await clone.git.currentBranch()).toBe('main');
    expect(await clone.git.commitInfo('HEAD')).toMatchObject({ commit: head, parents: [], subject: 'Initial' });
    expect(String(await clone.git.commitTime())).toBe(await clone.run('log', '-1', '--format=%ct'));
    await clone.run('checkout', '--quiet', '--detach');
    expect(await clone.git.currentBranch()).toBeUndefined();
  });

  it('revisions that are not there are undefined', async () => {
    expect(await clone.git.commitOf('refs/tags/none')).toBeUndefined();
    expect(await clone.git.commitOf('1234567890123456789012345678901234567890')).toBeUndefined();
    expect(await clone.git.refValue('refs/tags/none')).toBeUndefined();
    expect(await clone.git.blobAt('HEAD', 'none')).toBeUndefined();
    expect(await clone.git.indexEntry('none')).toBeUndefined();
    expect(await clone.git.getConfig('user.name')).toBeUndefined();
  });

  it('tags at HEAD in byte order', async () => {
    for (const tag of ['b', 'B', 'a-10', 'a-9']) await clone.run('tag', tag);
    expect(await clone.git.tagsAt()).toEqual(['B', 'a-10', 'a-9', 'b']);
    expect(await clone.git.isPublished('HEAD')).toBe(true);
    await clone.commitAll('second');
    expect(await clone.git.tagsAt()).toEqual([]);
    expect(await clone.git.isPublished('HEAD')).toBe(false);
    expect(await clone.git.describe()).toMatch(/-1-g[0-9a-f]+$/);
  });

  it('refs of the remote, with what annotated tags stand for', async () => {
    const other = await origin.clone();
    await other.run('-c', 'user.name=x', '-c', 'user.email=x@y', 'tag', '-a', '-m', 'm', 'annotated');
    await other.run('push', '--quiet', 'origin', 'annotated');
    const refs = await clone.git.remoteRefs(['refs/heads/main', 'refs/tags/*']);
    const head = await clone.git.head();
    expect(refs.get('refs/heads/main')).toBe(head);
    expect(refs.get('refs/tags/annotated')).not.toBe(head);
    expect(refs.get('refs/tags/annotated^{}')).toBe(head);
    expect((await clone.git.remoteRefs(['refs/heads/none'])).size).toBe(0);
  });

  it('differences, with and without a path', async () => {
    expect(await clone.git.differs('HEAD')).toBe(false);
    await clone.write('version.txt', 'two\n');
    expect(await clone.git.differs('HEAD')).toBe(true);
    expect(await clone.git.differs('HEAD', { exclude: ['version.txt'] })).toBe(false);
    const second = await clone.commitAll('second');
    expect(await clone.git.differs('HEAD~1', { to: second })).toBe(true);
    expect(await clone.git.blobAt(second, 'version.txt')).toBe(await clone.git.blobOf('two\n'));
  });

  it('changes: staged, unstaged, and untracked only where asked', async () => {
    expect(await clone.git.isDirty(['src'])).toBe(false);
    await clone.write('src/a.txt', 'changed\n');
    await clone.write('version.txt', 'two\n');
    await clone.run('add', 'version.txt');
    await clone.write('src/new file', '');
    await clone.write('src/ignored', '');
    await clone.write('elsewhere', '');
    expect(await clone.git.changes(['src'])).toEqual({
      staged: ['version.txt'],
      unstaged: ['src/a.txt'],
      untracked: ['src/new file'],
    });
    expect((await clone.git.changes()).untracked).toEqual([]);
    expect(await clone.git.isDirty()).toBe(true);
  });

  it.each([
    ['differs', () => clone.git.differs('no-such-revision')],
    ['blobAt', () => clone.git.blobAt('no-such-revision', 'x')],
    ['tagsAt', () => clone.git.tagsAt('no-such-revision')],
    [
      'remoteRefs',
      () =>
        createGit({ query: clone.runner, effects: clone.runner, cwd: clone.folder, remote: 'none' }).remoteRefs(['x']),
    ],
    ['getConfig', () => clone.git.getConfig('not a key')],
    ['describe', () => clone.git.describe()],
  ])('%s: trouble is not a no', async (name, work) => {
    if (name === 'getConfig') await clone.write('.git/config', '[broken\n');
    if (name === 'describe') await clone.run('tag', '--delete', 'annotated');
    await expect(work()).rejects.toMatchObject({ code: 'COMMAND_FAILED' });
  });

  it('a folder that is no checkout, and a checkout without a commit', async () => {
    const folder = join(clone.folder, '..', 'plain');
    await mkdir(folder);
    const runner = createRunner({ cwd: folder, env: gitTestEnv(folder) });
    const git = createGit({ query: runner, effects: runner, cwd: folder });
    await expect(git.head()).rejects.toMatchObject({ code: 'NOT_A_GIT_CHECKOUT', kind: 'misuse' });
    await runner.run(['git', 'init', '--quiet']);
    await expect(git.head()).rejects.toMatchObject({ code: 'NOT_A_GIT_CHECKOUT' });
  });

  it('status writes nothing, not even a refreshed index', async () => {
    const before = await clone.runner.run(['sha256sum', '.git/index'], { stdout: 'capture' });
    await clone.runner.run(['touch', '-d', '2020-01-01', 'src/a.txt']);
    await clone.git.changes(['src']);
    expect((await clone.runner.run(['sha256sum', '.git/index'], { stdout: 'capture' })).stdout).toBe(before.stdout);
  });
});

describe('changes', () => {
  it('with a planning runner only say what they would do', async () => {
    const planned: string[] = [];
    const log = createLog((event) => event.kind === 'planned' && planned.push(event.effect));
    const before = await clone.state();
    const git = createGit({ query: clone.runner, effects: createPlanningRunner(log), cwd: clone.folder });
    await git.fetch();
    await git.setConfig('user.name', 'x');
    await git.commit('New version: x', ['version.txt']);
    await git.tag('x', { sign: false });
    expect(await git.push(['HEAD:refs/heads/main', 'refs/tags/x'])).toEqual({ exitCode: 0, refs: [], output: '' });
    expect(planned).toEqual([
      'run: git fetch --all --tags --force',
      'run: git config user.name x',
      "run: git commit --signoff --allow-empty -m 'New version: x' -- version.txt",
      'run: git tag --no-sign x',
      'run: git push --atomic --porcelain origin HEAD:refs/heads/main refs/tags/x',
    ]);
    expect(await clone.state()).toBe(before);
  });

  it('an index entry can be taken away and put back', async () => {
    const entry = await clone.git.indexEntry('version.txt');
    await clone.git.setIndexEntry('version.txt', undefined);
    expect(await clone.git.indexEntry('version.txt')).toBeUndefined();
    await clone.git.setIndexEntry('version.txt', entry);
    expect(await clone.git.isDirty()).toBe(false);
  });
});

describe('versions', () => {
  it('are names that git takes for tags', async () => {
    const odd = [
      'main-1.2.3--x',
      'main-1.2.3-x-',
      'main-1.2.3-_',
      'main-1.2.3-lock',
      'lts-0.0.0-a.b.c',
      'main-1.2.3-x.LOCK',
    ];
    const texts = [...examples.filter(({ accepted }) => accepted === 'ok').map(({ text }) => text), ...odd];
    for (const text of texts) {
      expect(explainVersion(text)).toBeUndefined();
      await clone.run('check-ref-format', `refs/tags/${text}`);
    }
  });
});
