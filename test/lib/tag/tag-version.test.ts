import { access, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it, jest } from '@jest/globals';
import type { SlipwayError } from '../../../lib/errors/index.ts';
import { tagVersion } from '../../../lib/tag/index.ts';
import type { OriginTemplate, TestClone, TestOrigin } from '../../helpers/git-clone.ts';
import {
  makeTreeTemplate,
  packagesRules,
  requestFor,
  sdkRules,
  toolsFor,
  VERSION_FILE,
  versionText,
} from '../../helpers/git-tagging.ts';

const NIGHTLY = 'main-4799.0.0-nightly-20260821-2100';
const NEXT_NIGHTLY = 'main-4800.0.0-nightly-20260822-2100';
const NUMBER = '4799.0.0+nightly-20260821-2100';
const RELEASE = 'stable-4500.2.1';

// Real git, many processes: fine in a second, and still fine on a machine that is busy with something else.
jest.setTimeout(30_000);

let template: OriginTemplate;
let origin: TestOrigin;
let clone: TestClone;
let start: string;

beforeAll(async () => {
  template = await makeTreeTemplate();
});
afterAll(() => template.remove());
beforeEach(async () => {
  origin = await template.copy();
  clone = await origin.clone();
  start = await clone.git.head();
});
afterEach(() => origin.remove());

const exists = (path: string): Promise<boolean> =>
  access(join(clone.folder, path)).then(
    () => true,
    () => false,
  );

describe('a version that is not a nightly', () => {
  it('is committed, tagged and pushed as a tag alone', async () => {
    const before = await origin.refs();
    const result = await tagVersion(requestFor(RELEASE, sdkRules), toolsFor(clone));
    const commit = await clone.git.head();
    expect(result).toEqual({
      outcome: 'tagged',
      tag: RELEASE,
      commit,
      branch: undefined,
      pushed: [`refs/tags/${RELEASE}`],
      reason: `${RELEASE} is not a nightly`,
    });
    expect(await origin.refs()).toEqual({ ...before, [`refs/tags/${RELEASE}`]: commit });
    expect(await clone.read(VERSION_FILE)).toBe(versionText('4500.2.1', '4500.2.1'));
    expect(await clone.git.currentBranch()).toBe('main');
    expect(await clone.git.isDirty(['.'])).toBe(false);
  });

  it('gets a commit with the message, sign-off and author of the original, which holds the version file alone', async () => {
    await tagVersion(requestFor(RELEASE, sdkRules), toolsFor(clone));
    expect(await clone.run('log', '-1', '--format=%P|%an|%ae|%cn|%B')).toBe(
      `${start}|flatcar-ci|infra+ci@flatcar-linux.org|flatcar-ci|New version: ${RELEASE}\n\n` +
        'Signed-off-by: flatcar-ci <infra+ci@flatcar-linux.org>\n',
    );
    expect(await clone.run('diff', '--name-only', 'HEAD~1', 'HEAD')).toBe(VERSION_FILE);
    expect(await clone.run('cat-file', '-t', RELEASE)).toBe('commit');
    expect(await clone.run('config', '--local', 'user.name')).toBe('flatcar-ci');
  });

  it('keeps an author that is set', async () => {
    await clone.run('config', 'user.name', 'Me');
    await tagVersion(requestFor(RELEASE, sdkRules), toolsFor(clone));
    expect(await clone.run('log', '-1', '--format=%an <%ae>')).toBe('Me <infra+ci@flatcar-linux.org>');
  });

  it('keeps the SDK version when packages are tagged', async () => {
    await tagVersion(requestFor(NIGHTLY, packagesRules), toolsFor(clone));
    expect(await clone.read(VERSION_FILE)).toBe(versionText(NUMBER, '4499.0.0'));
    expect((await origin.refs())['refs/heads/main']).toBe(start);
  });

  it('is committed even when the version file does not change', async () => {
    await tagVersion(requestFor('main-1.0.0', sdkRules), toolsFor(clone));
    await tagVersion(requestFor('alpha-1.0.0', sdkRules), toolsFor(clone));
    expect(await clone.run('log', '-2', '--format=%s')).toBe('New version: alpha-1.0.0\nNew version: main-1.0.0');
  });

  it('can be made on a detached HEAD, and in a shallow clone', async () => {
    await clone.run('checkout', '--quiet', '--detach');
    expect((await tagVersion(requestFor('main-1.0.0', sdkRules), toolsFor(clone))).outcome).toBe('tagged');
    await clone.run('fetch', '--quiet', '--depth=1');
    expect((await tagVersion(requestFor('main-1.0.1', sdkRules), toolsFor(clone))).outcome).toBe('tagged');
    expect(Object.keys(await origin.refs())).toEqual(
      expect.arrayContaining(['refs/tags/main-1.0.0', 'refs/tags/main-1.0.1']),
    );
  });
});

describe('a nightly', () => {
  it('goes to its branch with its tag', async () => {
    const result = await tagVersion(requestFor(NIGHTLY, sdkRules), toolsFor(clone));
    const commit = await clone.git.head();
    expect(result).toMatchObject({
      outcome: 'tagged',
      branch: 'main',
      pushed: ['refs/heads/main', `refs/tags/${NIGHTLY}`],
    });
    expect(await origin.refs()).toMatchObject({ 'refs/heads/main': commit, [`refs/tags/${NIGHTLY}`]: commit });
    expect(await clone.run('rev-parse', 'origin/main')).toBe(commit);
  });

  it('of packages goes to the branch of its major', async () => {
    const version = 'stable-4500.2.1-nightly-20260901-2100';
    const result = await tagVersion(requestFor(version, packagesRules), toolsFor(clone));
    expect(result.branch).toBe('flatcar-4500');
    expect(await origin.refs()).toMatchObject({ 'refs/heads/main': start, 'refs/heads/flatcar-4500': result.commit });
  });

  it('is made from a detached FETCH_HEAD', async () => {
    await clone.run('fetch', '--quiet', 'origin', 'main');
    await clone.run('checkout', '--quiet', 'FETCH_HEAD');
    const { commit } = await tagVersion(requestFor(NIGHTLY, sdkRules), toolsFor(clone));
    expect((await origin.refs())['refs/heads/main']).toBe(commit);
  });

  it('is refused when the branch is not there', async () => {
    const request = requestFor('stable-4600.0.0-nightly-20260901-2100', packagesRules);
    await expect(tagVersion(request, toolsFor(clone))).rejects.toMatchObject({
      code: 'BRANCH_MISSING',
      kind: 'failure',
    });
  });

  it('is refused when the branch has moved, however old our last fetch', async () => {
    const other = await origin.clone();
    const tip = await other.commitAll('moved on');
    await other.run('push', '--quiet', 'origin', 'main');
    const [before, refs] = [await clone.state(), await origin.refs()];
    await expect(tagVersion(requestFor(NIGHTLY, sdkRules), toolsFor(clone))).rejects.toMatchObject({
      code: 'NOT_ON_BRANCH_HEAD',
      data: { head: start, tip, branch: 'main' },
    });
    expect([await clone.state(), await origin.refs()]).toEqual([before, refs]);
  });
});

describe('a nightly when nothing changed', () => {
  let tools: ReturnType<typeof toolsFor>;
  beforeEach(async () => {
    await tagVersion(requestFor(NIGHTLY, sdkRules), toolsFor(clone));
    tools = toolsFor(clone, true);
  });

  it('stops when all artifacts are there, and does nothing', async () => {
    const [before, refs] = [await clone.state(), await origin.refs()];
    const result = await tagVersion(requestFor(NEXT_NIGHTLY, sdkRules), tools);
    expect(result).toEqual({
      outcome: 'unchanged',
      tag: NIGHTLY,
      commit: await clone.git.head(),
      pushed: [],
      reason: `nothing changed since ${NIGHTLY}, and its artifacts are in the cache`,
    });
    expect(tools.asked).toEqual([
      'containers/4799.0.0-nightly-20260821-2100/flatcar-sdk-all-4799.0.0-nightly-20260821-2100.tar.zst',
      `images/amd64/${NUMBER}/flatcar_production_image.bin.bz2`,
      `images/arm64/${NUMBER}/flatcar_production_image.bin.bz2`,
    ]);
    expect([await clone.state(), await origin.refs()]).toEqual([before, refs]);
    expect(await exists('skip-build')).toBe(false);
  });

  it('is made when artifacts are missing, or shortcuts are off, without asking then', async () => {
    const missing = await tagVersion(requestFor(NEXT_NIGHTLY, sdkRules), toolsFor(clone, false));
    expect(missing.outcome).toBe('tagged');
    const off = requestFor('main-4801.0.0-nightly-20260823-2100', sdkRules, { avoidShortcuts: true });
    expect((await tagVersion(off, tools)).outcome).toBe('tagged');
    expect(tools.asked).toEqual([]);
  });

  it('does not ask the cache when told what to think', async () => {
    const told = await tagVersion(requestFor(NEXT_NIGHTLY, sdkRules, { imagesExist: 'yes' }), tools);
    expect([told.outcome, tools.asked]).toEqual(['unchanged', []]);
  });

  it('is refused with a changed file, and leaves it', async () => {
    await clone.write(VERSION_FILE, versionText('1.2.3', '1.2.3'));
    const before = await clone.state();
    await expect(tagVersion(requestFor(NEXT_NIGHTLY, sdkRules), tools)).rejects.toMatchObject({
      code: 'CHECKOUT_DIRTY',
      kind: 'failure',
      data: { files: [VERSION_FILE], previousTag: NIGHTLY },
    });
    expect(await clone.state()).toBe(before);
  });

  it('goes on after a tag that is intermediate only', async () => {
    await clone.commitAll('change');
    await clone.run('tag', `${NEXT_NIGHTLY}-INTERMEDIATE`);
    await clone.run('push', '--quiet', 'origin', 'main', '--tags');
    expect((await tagVersion(requestFor(NEXT_NIGHTLY, sdkRules), tools)).outcome).toBe('tagged');
  });
});

describe('the flag file of packages', () => {
  const first = 'stable-4500.2.1-nightly-20260901-2100';
  const second = 'stable-4500.2.1-nightly-20260902-2100';

  it('is made when nothing changed, also since a release, and removed when there is something to build', async () => {
    await tagVersion(requestFor('stable-4500.2.0', packagesRules), toolsFor(clone));
    await clone.run('push', '--quiet', 'origin', 'HEAD:flatcar-4500');
    const unchanged = await tagVersion(requestFor(first, packagesRules), toolsFor(clone, true));
    expect(unchanged).toMatchObject({ outcome: 'unchanged', tag: 'stable-4500.2.0' });
    expect(await clone.read('skip-build')).toBe('');
    const built = await tagVersion(requestFor(second, packagesRules), toolsFor(clone, false));
    expect(built.outcome).toBe('tagged');
    expect(await exists('skip-build')).toBe(false);
  });
});

describe('a tag that is there already', () => {
  it('is taken when equal: the second step of a nightly, in the same clone and in another', async () => {
    const { commit } = await tagVersion(requestFor(NIGHTLY, sdkRules), toolsFor(clone));
    const other = await origin.clone();
    const refs = await origin.refs();
    for (const each of [clone, other]) {
      const result = await tagVersion(requestFor(NIGHTLY, packagesRules), toolsFor(each));
      expect(result).toMatchObject({ outcome: 'reused', tag: NIGHTLY, commit, pushed: [] });
      expect(await each.git.head()).toBe(commit);
      expect(await each.git.currentBranch()).toBeUndefined();
      expect(await each.run('rev-parse', 'main')).toBe(commit);
      expect(await each.git.isDirty(['.'])).toBe(false);
    }
    expect(await origin.refs()).toEqual(refs);
  });

  it('is taken again when the step is run again after its push: from the tag and from the commit before it', async () => {
    const { commit } = await tagVersion(requestFor(NIGHTLY, sdkRules), toolsFor(clone));
    const other = await origin.clone();
    await other.commitAll('moved on');
    await other.run('push', '--quiet', 'origin', 'main');
    for (const from of [commit, start]) {
      await clone.run('checkout', '--quiet', from);
      const result = await tagVersion(requestFor(NIGHTLY, sdkRules), toolsFor(clone));
      expect(result).toMatchObject({ outcome: 'reused', commit });
      expect(await clone.git.head()).toBe(commit);
    }
  });

  it('is refused when different, with both commits', async () => {
    const { commit } = await tagVersion(requestFor(RELEASE, sdkRules), toolsFor(clone));
    const other = await origin.clone();
    await other.write('packages/one', 'changed\n');
    const head = await other.commitAll('change');
    const before = await other.state();
    await expect(tagVersion(requestFor(RELEASE, sdkRules), toolsFor(other))).rejects.toMatchObject({
      code: 'TAG_DIFFERS',
      kind: 'failure',
      data: { tag: RELEASE, tagCommit: commit, head, where: 'remote', why: 'content' },
    });
    expect((await other.state()).split('\n---\n').toSpliced(1, 1)).toEqual(before.split('\n---\n').toSpliced(1, 1));
  });

  it('is refused when only the version file differs', async () => {
    await clone.run('tag', RELEASE);
    await clone.run('push', '--quiet', 'origin', RELEASE);
    await expect(tagVersion(requestFor(RELEASE, sdkRules), toolsFor(clone))).rejects.toMatchObject({
      code: 'TAG_DIFFERS',
    });
  });

  it('here only and different is refused', async () => {
    await clone.run('tag', RELEASE);
    const before = await clone.state();
    await expect(tagVersion(requestFor(RELEASE, sdkRules), toolsFor(clone))).rejects.toMatchObject({
      code: 'TAG_DIFFERS',
      data: { where: 'local' },
    });
    expect(await clone.state()).toBe(before);
  });

  it('here only and equal is pushed, alone or with its branch', async () => {
    for (const [version, branch] of [
      [RELEASE, undefined],
      [NIGHTLY, 'main'],
    ] as const) {
      await clone.run('checkout', '--quiet', '--detach', start);
      const number = version === NIGHTLY ? NUMBER : '4500.2.1';
      await clone.write(VERSION_FILE, versionText(number, number));
      const commit = await clone.commitAll('made by hand');
      await clone.run('tag', version);
      await clone.run('checkout', '--quiet', '--detach', start);
      const result = await tagVersion(requestFor(version, sdkRules), toolsFor(clone));
      const pushed = [...(branch ? [`refs/heads/${branch}`] : []), `refs/tags/${version}`];
      expect(result).toMatchObject({ outcome: 'tagged', commit, branch, pushed });
      expect((await origin.refs())[`refs/tags/${version}`]).toBe(commit);
      expect(await clone.git.head()).toBe(commit);
    }
    expect((await origin.refs())['refs/heads/main']).toBe(await clone.git.head());
  });

  it('here only, its branch pushed: the state in which the original gives up', async () => {
    await clone.write(VERSION_FILE, versionText(NUMBER, NUMBER));
    const commit = await clone.commitAll(`New version: ${NIGHTLY}`);
    await clone.run('push', '--quiet', 'origin', 'main');
    await clone.run('tag', NIGHTLY);
    const result = await tagVersion(requestFor(NIGHTLY, sdkRules), toolsFor(clone, true));
    expect(result).toMatchObject({ outcome: 'tagged', commit, pushed: [`refs/tags/${NIGHTLY}`] });
  });
});

describe('a tag that is pushed between our fetch and our question', () => {
  it.each([
    ['reused', ''],
    ['TAG_DIFFERS', 'changed\n'],
  ])('%s', async (expected, change) => {
    const other = await origin.clone();
    if (change) {
      await other.write('packages/one', change);
      await other.commitAll('change');
    }
    const { commit } = await tagVersion(requestFor(RELEASE, sdkRules), toolsFor(other));
    let fetches = 0;
    const fetch = async (): Promise<void> => {
      fetches += 1;
      if (fetches > 1) await clone.git.fetch();
    };
    const run = tagVersion(requestFor(RELEASE, sdkRules), { ...toolsFor(clone), git: { ...clone.git, fetch } });
    const outcome = await run.then(
      (result) => result.outcome,
      (error: SlipwayError) => error.code,
    );
    expect(outcome).toBe(expected);
    expect(await clone.git.head()).toBe(change ? start : commit);
  });
});

describe('a checkout that is not clean', () => {
  it.each([
    ['staged', 'STAGED_CHANGES', 'other/readme', true],
    ['unstaged', 'CHECKOUT_DIRTY', 'other/readme', false],
    ['untracked source', 'CHECKOUT_DIRTY', 'packages/two', false],
  ])('%s is refused before anything happens', async (_name, code, file, isStaged) => {
    await clone.write(file, 'changed\n');
    if (isStaged) await clone.run('add', file);
    await clone.run('remote', 'set-url', 'origin', '/nowhere');
    const before = await clone.state();
    await expect(tagVersion(requestFor(NIGHTLY, sdkRules), toolsFor(clone))).rejects.toMatchObject({
      code,
      kind: 'misuse',
      data: { files: [file] },
    });
    expect(await clone.state()).toBe(before);
  });

  it('may have untracked and ignored files elsewhere, and a changed version file', async () => {
    await clone.write('other/note', 'untracked\n');
    await clone.write('ignored', 'x\n');
    await clone.write(VERSION_FILE, versionText('1.0.0', '4498.0.0'));
    await tagVersion(requestFor(RELEASE, packagesRules), toolsFor(clone));
    expect(await clone.run('show', `HEAD:${VERSION_FILE}`)).toBe(versionText('4500.2.1', '4498.0.0').trimEnd());
    expect(await clone.run('status', '--porcelain')).toBe('?? other/note');
  });

  it('may have changes where the rules leave them alone; they are not committed', async () => {
    await clone.write('other/readme', 'changed\n');
    const rules = { ...sdkRules, uncommitted: 'leave' as const };
    await tagVersion(requestFor(RELEASE, rules), toolsFor(clone));
    expect(await clone.run('diff', '--name-only', 'HEAD~1', 'HEAD')).toBe(VERSION_FILE);
    expect(await clone.read('other/readme')).toBe('changed\n');
  });
});

describe('the place', () => {
  it('must be a tree with a readable version file when the SDK version is kept', async () => {
    await writeFile(join(clone.folder, VERSION_FILE), 'FLATCAR_VERSION=$(id)\n');
    await expect(tagVersion(requestFor(RELEASE, packagesRules), toolsFor(clone))).rejects.toMatchObject({
      code: 'VERSION_FILE_INVALID',
      kind: 'misuse',
    });
  });
});
