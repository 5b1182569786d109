import { cp, mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it, jest } from '@jest/globals';
import type { SlipwayError } from '../../../lib/errors/index.ts';
import { createGit } from '../../../lib/git/index.ts';
import { createLog } from '../../../lib/log/index.ts';
import { createPlanningRunner } from '../../../lib/process/index.ts';
import { type SubmoduleRequest, tagVersion } from '../../../lib/tag/index.ts';
import { gitTestEnv, openClone, openOrigin, type TestClone, type TestOrigin } from '../../helpers/git-clone.ts';
import { makeTreeTemplate, requestFor, sdkRules, toolsFor, VERSION_FILE } from '../../helpers/git-tagging.ts';

const RELEASE = 'stable-4500.2.1';
const NIGHTLY = 'main-4799.0.0-nightly-20260821-2100';
const OVERLAY = 'third_party/coreos-overlay';
const TAG_REF = `refs/tags/${RELEASE}`;

// Real git, many processes: fine in a second, and still fine on a machine that is busy with something else.
jest.setTimeout(60_000);

/** A folder with `origin.git`, `overlay.git` and a `clone` of the first in which the second is a submodule. */
let template: string;
let root: string;
let origin: TestOrigin;
let clone: TestClone;
/** Commits of the overlay: the one that the tree records, and the newest. */
let recorded: string;
let newest: string;

const FILES = ['-c', 'protocol.file.allow=always'];
const inOverlay = (where: TestClone, ...args: string[]): Promise<string> => where.run('-C', OVERLAY, ...args);
const removeFolder = (folder: string): Promise<void> => rm(folder, { recursive: true, force: true, maxRetries: 5 });

beforeAll(async () => {
  const treeTemplate = await makeTreeTemplate();
  const made = await treeTemplate.copy();
  await treeTemplate.remove();
  template = join(made.folder, '..');
  const setup = openClone(join(template, 'clone'), gitTestEnv(template));
  await setup.run('init', '--quiet', '--template=', '--initial-branch=main', '--bare', '../overlay.git');
  await setup.run('clone', '--quiet', '../overlay.git', '../writer');
  const writer = openClone(join(template, 'writer'), gitTestEnv(template));
  await writer.run('remote', 'set-url', 'origin', '../overlay.git');
  const grow = async (text: string): Promise<string> => {
    await writer.write('pkg/one', text);
    const commit = await writer.commitAll(text.trim());
    await writer.run('push', '--quiet', 'origin', 'HEAD:main');
    return commit;
  };
  recorded = await grow('1\n');
  await setup.run(...FILES, 'submodule', '--quiet', 'add', join(template, 'overlay.git'), OVERLAY);
  await setup.run('config', '--file', '.gitmodules', `submodule.${OVERLAY}.url`, '../overlay.git');
  // A fetch of the tree fetches in its submodules too, where git does not trust file paths by itself.
  await setup.run('config', 'protocol.file.allow', 'always');
  await inOverlay(setup, 'config', 'protocol.file.allow', 'always');
  await setup.commitAll('Overlay');
  await setup.run('push', '--quiet', 'origin', 'HEAD:main');
  newest = await grow('2\n');
});
afterAll(() => removeFolder(template));
beforeEach(async () => {
  root = await mkdtemp(join(tmpdir(), 'slipway-git-'));
  await cp(template, root, { recursive: true });
  origin = openOrigin(root);
  const copied = openClone(join(root, 'clone'), gitTestEnv(root));
  await inOverlay(copied, 'remote', 'set-url', 'origin', join(root, 'overlay.git'));
  clone = await origin.clone();
});
afterEach(() => removeFolder(root));

const overlayRefs = async (): Promise<Record<string, string>> => {
  const lines = (
    await clone.run('--git-dir=../overlay.git', 'for-each-ref', '--format=%(refname) %(objectname)')
  ).split('\n');
  return Object.fromEntries(lines.map((line) => line.split(' ')));
};

const pushToOverlay = async (...args: string[]): Promise<void> => {
  const writer = openClone(join(root, 'writer'), gitTestEnv(root));
  await writer.run('push', '--quiet', 'origin', ...args);
};

const hookOfOverlay = async (script: string): Promise<void> => {
  await mkdir(join(root, 'overlay.git/hooks'), { recursive: true });
  await writeFile(join(root, 'overlay.git/hooks/pre-receive'), `#!/bin/sh\n${script}\n`, { mode: 0o755 });
};

const follow = (ref = ''): { submodules: SubmoduleRequest[] } => ({
  submodules: [
    { name: 'coreos-overlay', ref },
    { name: 'portage-stable', ref: '' },
  ],
});

const tag = (ref = '', where = clone, version = RELEASE) =>
  tagVersion(requestFor(version, sdkRules, follow(ref)), toolsFor(where));

const faultOf = (work: Promise<unknown>): Promise<SlipwayError> =>
  work.then(
    () => {
      throw new Error('it went well');
    },
    (error: SlipwayError) => error,
  );

const recordedAt = (revision: string): Promise<string> => clone.run('rev-parse', `${revision}:${OVERLAY}`);

/** All that a failed attempt must leave as it was, but for what was fetched. */
const state = async (): Promise<string> => {
  const parts = await Promise.all([
    clone.state(),
    inOverlay(clone, 'status', '--porcelain'),
    inOverlay(clone, 'rev-parse', 'HEAD', '--symbolic-full-name', 'HEAD'),
    inOverlay(clone, 'tag'),
  ]);
  return parts.join('\n---\n');
};

describe('a submodule that follows versions', () => {
  it('gets what is recorded tagged, when nobody says otherwise', async () => {
    await tag();
    expect(await overlayRefs()).toMatchObject({ 'refs/heads/main': newest, [TAG_REF]: recorded });
    expect(await recordedAt(RELEASE)).toBe(recorded);
    expect(await clone.run('diff', '--name-only', 'HEAD~1', 'HEAD')).toBe(VERSION_FILE);
    expect((await origin.refs())[TAG_REF]).toBe(await clone.git.head());
  });

  it('gets a given branch, tag or commit checked out, recorded in the version commit and tagged', async () => {
    await pushToOverlay('HEAD:refs/tags/v2');
    for (const [at, ref] of ['main', 'v2', newest].entries()) {
      const version = `stable-4500.2.${at + 1}`;
      await clone.run('reset', '--quiet', '--hard', 'origin/main');
      await clone.run(...FILES, 'submodule', '--quiet', 'update');
      await tag(ref, clone, version);
      expect(await inOverlay(clone, 'rev-parse', 'HEAD')).toBe(newest);
      expect(await recordedAt(version)).toBe(newest);
      expect((await overlayRefs())[`refs/tags/${version}`]).toBe(newest);
      expect(await clone.run('diff', '--name-only', 'HEAD~1', 'HEAD')).toBe(`${VERSION_FILE}\n${OVERLAY}`);
      expect(await clone.git.isDirty(['.'])).toBe(false);
    }
  });

  it('gets the matching tag of its remote, lightweight or annotated', async () => {
    const writer = openClone(join(root, 'writer'), gitTestEnv(root));
    await writer.run('-c', 'user.name=A', '-c', 'user.email=a@example.org', 'tag', '--message=x', RELEASE);
    await pushToOverlay(TAG_REF);
    const before = await overlayRefs();
    await tag();
    expect(await recordedAt(RELEASE)).toBe(newest);
    expect(await overlayRefs()).toEqual(before);
    expect(await clone.read(`${OVERLAY}/pkg/one`)).toBe('2\n');
  });

  it('is cloned first where it was not', async () => {
    const other = await origin.clone();
    await other.run('submodule', '--quiet', 'deinit', '--all', '--force');
    await rm(join(other.folder, '.git/modules'), { recursive: true, force: true });
    const git = createGit({
      query: other.runner,
      effects: other.runner,
      cwd: other.folder,
      env: { GIT_CONFIG_COUNT: '1', GIT_CONFIG_KEY_0: 'protocol.file.allow', GIT_CONFIG_VALUE_0: 'always' },
    });
    await tagVersion(requestFor(RELEASE, sdkRules, follow('main')), { ...toolsFor(other), git });
    expect(await other.run('rev-parse', `${RELEASE}:${OVERLAY}`)).toBe(newest);
    expect(await other.read(`${OVERLAY}/pkg/one`)).toBe('2\n');
  });

  it('is taken as it is by a second run of the step, in the same clone and in another', async () => {
    await tag('main');
    const refs = [await origin.refs(), await overlayRefs()];
    for (const where of [clone, await origin.clone()]) {
      const result = await tag('', where);
      expect(result.outcome).toBe('reused');
      expect(await inOverlay(where, 'rev-parse', 'HEAD')).toBe(newest);
    }
    expect([await origin.refs(), await overlayRefs()]).toEqual(refs);
  });

  it('that moved is a reason to build a nightly again', async () => {
    await tag('', clone, NIGHTLY);
    const other = await origin.clone();
    const next = requestFor('main-4800.0.0-nightly-20260822-2100', sdkRules, follow());
    expect((await tagVersion(next, toolsFor(other, true))).outcome).toBe('unchanged');
    const moved = { ...next, submodules: follow('main').submodules };
    expect((await tagVersion(moved, toolsFor(other, true))).outcome).toBe('tagged');
  });
});

describe('a submodule that cannot have the tag', () => {
  it('because its remote has another commit under that name', async () => {
    await pushToOverlay(`HEAD:${TAG_REF}`);
    const [before, refs] = [await state(), await origin.refs()];
    const fault = await faultOf(tag(recorded));
    expect([fault.code, fault.data.tagCommit, fault.data.wanted]).toEqual(['SUBMODULE_TAG_DIFFERS', newest, recorded]);
    expect([await state(), await origin.refs()]).toEqual([before, refs]);
  });

  it('because there is no such ref', async () => {
    const before = await state();
    const fault = await faultOf(tag('none'));
    expect([fault.code, fault.kind]).toEqual(['SUBMODULE_REF_UNKNOWN', 'misuse']);
    expect(await state()).toBe(before);
  });

  it('because its remote refuses: the tree is not tagged, and all is as it was', async () => {
    await hookOfOverlay('echo not today >&2; exit 1');
    const [before, refs] = [await state(), await origin.refs()];
    const fault = await faultOf(tag('main'));
    expect([fault.code, String(fault.data.output).includes('not today')]).toEqual(['SUBMODULE_PUSH_FAILED', true]);
    expect([await state(), await origin.refs()]).toEqual([before, refs]);
  });
});

describe("when the tree's own tag is refused after the submodule's was pushed", () => {
  it('the clone is as it was, the tag that stays is named, and the next run takes it', async () => {
    await origin.hook('pre-receive', 'exit 1');
    const before = await clone.state();
    const tools = toolsFor(clone);
    const fault = await faultOf(tagVersion(requestFor(RELEASE, sdkRules, follow('main')), tools));
    expect(fault.code).toBe('PUSH_REJECTED');
    expect(tools.lines).toContainEqual(
      `The tag ${RELEASE} was pushed to coreos-overlay (${newest.slice(0, 12)}) and stays there.`,
    );
    expect(await clone.state()).toBe(before);
    expect(await inOverlay(clone, 'rev-parse', 'HEAD')).toBe(recorded);
    await origin.hook('pre-receive', 'exit 0');
    expect((await tag()).outcome).toBe('tagged');
    expect(await recordedAt(RELEASE)).toBe(newest);
  });
});

it('two runs with other commits for one version: one tag in the submodule, and one winner', async () => {
  const other = await origin.clone();
  const ends = await Promise.allSettled([tag(recorded), tag('main', other)]);
  expect(ends.filter(({ status }) => status === 'fulfilled')).toHaveLength(1);
  const inTree = await (await origin.clone()).run('rev-parse', `${RELEASE}:${OVERLAY}`);
  expect((await overlayRefs())[TAG_REF]).toBe(inTree);
});

it('with --plan says what would happen, with the commits that the remote has now', async () => {
  const planned: string[] = [];
  const log = createLog((event) => event.kind === 'planned' && planned.push(event.effect));
  const git = createGit({ query: clone.runner, effects: createPlanningRunner(log), cwd: clone.folder });
  const before = [await state(), await origin.refs(), await overlayRefs()];
  const files = { write: async () => {}, remove: async () => {} };
  await tagVersion(requestFor(RELEASE, sdkRules, follow('main')), { ...toolsFor(clone), git, files });
  expect(planned).toContain(`run: git tag --no-sign ${RELEASE} ${newest}`);
  expect(planned.find((line) => line.includes('git commit'))).toContain(` -- ${VERSION_FILE} ${OVERLAY}`);
  expect(planned.at(-1)).toBe(`run: git push --porcelain origin ${TAG_REF}`);
  expect([await state(), await origin.refs(), await overlayRefs()]).toEqual(before);
});

it('a tree without submodules is not asked for any', async () => {
  const plainTemplate = await makeTreeTemplate();
  const plain = await (await plainTemplate.copy()).clone();
  const commands: string[] = [];
  const watching = {
    ...plain.runner,
    run: (...call: Parameters<typeof plain.runner.run>) => {
      commands.push(call[0].join(' '));
      return plain.runner.run(...call);
    },
  };
  const git = createGit({ query: watching, effects: watching, cwd: plain.folder });
  await tagVersion(requestFor(RELEASE, sdkRules, follow('main')), { ...toolsFor(plain), git });
  expect(commands.length).toBeGreaterThan(5);
  expect(commands.filter((command) => /submodule|ls-tree/.test(command))).toEqual([]);
  await plainTemplate.remove();
  await removeFolder(join(plain.folder, '..'));
});
