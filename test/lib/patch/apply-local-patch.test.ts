import { access, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it, jest } from '@jest/globals';
import type { SlipwayError } from '../../../lib/errors/index.ts';
import { createGit } from '../../../lib/git/index.ts';
import { createLog } from '../../../lib/log/index.ts';
import { applyLocalPatch, type PatchOutcome, type PatchTools, takeBackLocalPatch } from '../../../lib/patch/index.ts';
import { createPlanningRunner, createRunner } from '../../../lib/process/index.ts';
import {
  gitTestEnv,
  makeOriginTemplate,
  type OriginTemplate,
  type TestClone,
  type TestOrigin,
} from '../../helpers/git-clone.ts';

// Real git, many processes: fine in a second, and still fine on a machine that is busy with something else.
jest.setTimeout(30_000);

const PATCH = {
  file: '../scripts.patch',
  committer: { name: 'Flatcar Buildbot', email: 'buildbot@flatcar-linux.org' },
};

const lines = (...changed: readonly string[]): string =>
  `${Array.from({ length: 20 }, (_, at) => changed.find((line) => line.startsWith(`${at} `)) ?? `${at}`).join('\n')}\n`;

let template: OriginTemplate;
let origin: TestOrigin;
let clone: TestClone;
let head: string;

beforeAll(async () => {
  template = await makeOriginTemplate({ 'src/a.txt': lines(), 'src/b.txt': lines(), 'readme.txt': 'text\n' });
});
afterAll(() => template.remove());
beforeEach(async () => {
  origin = await template.copy();
  clone = await origin.clone();
  head = await clone.git.head();
});
afterEach(() => origin.remove());

const patchFile = (): string => join(clone.folder, PATCH.file);

const toolsOf = (more: Partial<PatchTools> = {}): PatchTools & { said: string[] } => {
  const said: string[] = [];
  const log = createLog((event) => (event.kind === 'warning' || event.kind === 'info') && said.push(event.text));
  return { git: clone.git, log, said, ...more };
};

const apply = (tools: PatchTools = toolsOf()): Promise<PatchOutcome> => applyLocalPatch(PATCH, tools);

const faultOf = (work: Promise<unknown>): Promise<SlipwayError> =>
  work.then(
    () => {
      throw new Error('it went well');
    },
    (error: SlipwayError) => error,
  );

/** Commits each change in turn, takes them off again, and leaves them as mails in the patch file. */
const makePatch = async (...changes: readonly Readonly<Record<string, string>>[]): Promise<void> => {
  const start = await clone.git.head();
  for (const [at, files] of changes.entries()) {
    for (const [path, text] of Object.entries(files)) await clone.write(path, text);
    await clone.commitAll(`Fix ${at + 1}`);
  }
  await writeFile(patchFile(), `${await clone.run('format-patch', '--stdout', start)}\n`, 'latin1');
  await clone.run('reset', '--quiet', '--hard', start);
};

/** What the original leaves when a patch does not apply. */
const leaveSession = async (): Promise<void> => {
  const env = { GIT_COMMITTER_NAME: 'Somebody', GIT_COMMITTER_EMAIL: 'somebody@example.org' };
  await clone.runner.run(['git', 'am', '-3', patchFile()], { okExitCodes: [128], env });
};

const sessionIsOpen = (): Promise<boolean> =>
  access(join(clone.folder, '.git/rebase-apply')).then(
    () => true,
    () => false,
  );

describe('without a patch', () => {
  it.each([
    ['no file', undefined],
    ['an empty file', ''],
    ['an empty line', '\n \n'],
  ])('%s: nothing happens and nothing is said', async (_name, text) => {
    if (text !== undefined) await writeFile(patchFile(), text);
    const tools = toolsOf();
    expect(await apply(tools)).toBe('none');
    expect(tools.said).toEqual([]);
    expect(await clone.git.head()).toBe(head);
  });

  it('garbage: nothing happens, and that is said', async () => {
    await writeFile(patchFile(), 'From: somebody\n\nsee the other file\n');
    const tools = toolsOf();
    expect(await apply(tools)).toBe('none');
    expect(tools.said).toEqual([expect.stringContaining('../scripts.patch is not empty and holds no patch')]);
    expect(await clone.git.head()).toBe(head);
  });
});

describe('a patch', () => {
  it('becomes a commit of its author by the committer of the tree, on top of what is checked out', async () => {
    await makePatch({ 'src/a.txt': lines('5 fixed') });
    expect(await apply()).toBe('applied');
    expect(await clone.run('log', '-1', '--format=%P|%an <%ae>|%cn <%ce>|%s')).toBe(
      `${head}|Somebody <somebody@example.org>|Flatcar Buildbot <buildbot@flatcar-linux.org>|Fix 1`,
    );
    expect(await clone.read('src/a.txt')).toBe(lines('5 fixed'));
    expect(await clone.git.isDirty(['.'])).toBe(false);
  });

  it('of several mails becomes several commits', async () => {
    await makePatch({ 'src/a.txt': lines('5 fixed') }, { 'src/a.txt': lines('5 better'), 'src/new.txt': 'new\n' });
    expect(await apply()).toBe('applied');
    expect(await clone.run('log', '--format=%s', `${head}..`)).toBe('Fix 2\nFix 1');
    expect(await clone.read('src/new.txt')).toBe('new\n');
  });

  it('applies where its surroundings moved, and where something else is changed or untracked', async () => {
    await makePatch({ 'src/a.txt': lines('5 fixed') });
    await clone.write('src/a.txt', `one more line\n${lines('15 other')}`);
    await clone.commitAll('Other');
    await clone.write('readme.txt', 'changed\n');
    await clone.write('untracked', 'mine\n');
    expect(await apply()).toBe('applied');
    expect(await clone.read('src/a.txt')).toBe(`one more line\n${lines('5 fixed', '15 other')}`);
    expect(await clone.run('status', '--porcelain')).toBe(' M readme.txt\n?? untracked');
  });

  it('may have bytes that are no UTF-8', async () => {
    await clone.run('config', 'i18n.commitEncoding', 'ISO-8859-1');
    await writeFile(join(clone.folder, 'latin.txt'), Buffer.from([0x66, 0xfc, 0x72, 0x0a]));
    await clone.commitAll('Fix');
    await clone.run('config', '--unset', 'i18n.commitEncoding');
    await clone.run('format-patch', '--quiet', '--output', patchFile(), head);
    expect(await apply()).toBe('present');
    await clone.run('reset', '--quiet', '--hard', head);
    expect(await apply()).toBe('applied');
    expect(await clone.run('log', '-1', '--format=%s')).toBe('Fix');
  });
});

describe('a patch that the history has already', () => {
  it('is left alone, even where it would not apply any more', async () => {
    await makePatch({ 'src/a.txt': lines('5 fixed') });
    await clone.write('src/a.txt', lines('5 fixed'));
    await clone.commitAll('The same under another name');
    await clone.write('src/a.txt', lines('5 rewritten since'));
    const now = await clone.commitAll('Later');
    expect(await apply()).toBe('present');
    expect(await clone.git.head()).toBe(now);
    expect(await sessionIsOpen()).toBe(false);
  });

  it('is found on the side of a merge, as a rename, and whatever diff settings the user has', async () => {
    await clone.run('mv', 'src/b.txt', 'src/c.txt');
    await makePatch({ 'src/a.txt': lines('5 fixed'), 'src/c.txt': lines('7 moved') });
    await clone.run('checkout', '--quiet', '-b', 'side');
    await clone.run('mv', 'src/b.txt', 'src/c.txt');
    await clone.write('src/c.txt', lines('7 moved'));
    await clone.write('src/a.txt', lines('5 fixed'));
    await clone.commitAll('Side');
    await clone.run('checkout', '--quiet', 'main');
    await clone.write('readme.txt', 'other\n');
    await clone.commitAll('Main');
    const identity = ['-c', 'user.name=Somebody', '-c', 'user.email=somebody@example.org'];
    await clone.run(...identity, 'merge', '--quiet', '--no-ff', '-m', 'Merge', 'side');
    const settings = {
      'diff.noprefix': 'true',
      'color.ui': 'always',
      'diff.external': 'false',
      'diff.renames': 'false',
    };
    for (const [key, value] of Object.entries(settings)) await clone.run('config', key, value);
    expect(await apply()).toBe('present');
  });

  it('is not mistaken for one that is a part of a commit', async () => {
    await makePatch({ 'src/a.txt': lines('5 fixed') });
    await clone.write('src/a.txt', lines('5 fixed'));
    await clone.write('src/b.txt', lines('5 fixed'));
    await clone.commitAll('More');
    await clone.write('src/a.txt', lines());
    await clone.commitAll('And back');
    expect(await apply()).toBe('applied');
    expect(await clone.read('src/a.txt')).toBe(lines('5 fixed'));
  });

  it('in part is applied in part', async () => {
    await makePatch({ 'src/a.txt': lines('5 fixed') }, { 'src/b.txt': lines('5 fixed') });
    await clone.write('src/a.txt', lines('5 fixed'));
    const now = await clone.commitAll('The first of them');
    expect(await apply()).toBe('applied');
    expect(await clone.run('log', '--format=%s', `${now}..`)).toBe('Fix 2');
    const both = await clone.git.head();
    expect(await apply()).toBe('present');
    expect(await clone.git.head()).toBe(both);
  });
});

describe('a patch that does not apply', () => {
  it('fails with the name of the file and what git said, and leaves the checkout as it was', async () => {
    await makePatch({ 'src/new.txt': 'new\n' }, { 'src/a.txt': lines('5 fixed') });
    await clone.write('src/a.txt', lines('5 otherwise'));
    await clone.commitAll('Other');
    await clone.write('readme.txt', 'changed\n');
    await clone.write('untracked', 'mine\n');
    const before = await clone.state();
    const fault = await faultOf(apply());
    expect([fault.code, fault.kind]).toEqual(['PATCH_DOES_NOT_APPLY', 'failure']);
    expect(fault.message).toContain('/../scripts.patch does not apply');
    expect(fault.hint).toContain('Patch failed at 0002 Fix 2');
    expect(await clone.state()).toBe(before);
    expect(await sessionIsOpen()).toBe(false);
    // And so it does again, which an open session would prevent.
    expect((await faultOf(apply())).hint).toContain('Patch failed at 0002 Fix 2');
  });

  it('because the user has changed that very file: the change is still there', async () => {
    await makePatch({ 'src/a.txt': lines('5 fixed') });
    await clone.write('src/a.txt', lines('5 mine'));
    const before = await clone.state();
    expect((await faultOf(apply())).code).toBe('PATCH_DOES_NOT_APPLY');
    expect(await clone.state()).toBe(before);
    expect(await clone.read('src/a.txt')).toBe(lines('5 mine'));
  });

  it('because it is no mail', async () => {
    await clone.write('src/a.txt', lines('5 fixed'));
    await writeFile(patchFile(), `${await clone.run('diff')}\n`);
    await clone.run('checkout', '--', 'src/a.txt');
    const fault = await faultOf(apply());
    expect([fault.code, await sessionIsOpen()]).toEqual(['PATCH_DOES_NOT_APPLY', false]);
  });

  it('is not even tried with staged changes, which taking it back would lose', async () => {
    await makePatch({ 'src/a.txt': lines('5 fixed') });
    await clone.write('readme.txt', 'staged\n');
    await clone.run('add', 'readme.txt');
    const before = await clone.state();
    const fault = await faultOf(apply());
    expect([fault.code, fault.data.files]).toEqual(['PATCH_INDEX_DIRTY', ['readme.txt']]);
    expect(await clone.state()).toBe(before);
  });
});

describe('a git am that was not finished', () => {
  it('of this patch, left by an attempt that was killed, is taken back first', async () => {
    await makePatch({ 'src/a.txt': lines('5 fixed') }, { 'src/b.txt': lines('5 fixed') });
    await clone.write('src/b.txt', lines('5 in the way'));
    const start = await clone.commitAll('In the way');
    await leaveSession();
    expect(await sessionIsOpen()).toBe(true);
    const tools = toolsOf();
    expect((await faultOf(apply(tools))).code).toBe('PATCH_DOES_NOT_APPLY');
    expect(tools.said[0]).toContain('Taking back an earlier attempt');
    expect([await clone.git.head(), await sessionIsOpen()]).toEqual([start, false]);
  });

  it('of another patch is left to whom it belongs', async () => {
    await makePatch({ 'src/a.txt': lines('5 other') });
    await clone.write('src/a.txt', lines('5 in the way'));
    await clone.commitAll('In the way');
    await leaveSession();
    const mail = await clone.git.openMail();
    await writeFile(patchFile(), (mail ?? '').replaceAll('other', 'another'));
    expect((await faultOf(apply())).code).toBe('PATCH_SESSION_OPEN');
    expect(await clone.git.openMail()).toBe(mail);
  });
});

it('an interrupt takes it back although no command may start any more', async () => {
  await makePatch({ 'src/a.txt': lines('5 fixed') }, { 'src/b.txt': lines('5 fixed') });
  // The first mail is committed when this waits in the second.
  const hook =
    '#!/bin/sh\n[ "$(git log -1 --format=%s)" = "Fix 1" ] || exit 0\ntouch waiting\nwhile :; do sleep 1; done\n';
  await clone.write('.git/own-hooks/applypatch-msg', hook);
  await clone.runner.run(['chmod', '+x', '.git/own-hooks/applypatch-msg']);
  await clone.run('config', 'core.hooksPath', '.git/own-hooks');
  const controller = new AbortController();
  const stoppable = createRunner({
    cwd: clone.folder,
    env: gitTestEnv(join(clone.folder, '..')),
    signal: controller.signal,
  });
  const git = createGit({ query: stoppable, effects: stoppable, cwd: clone.folder });
  const work = faultOf(apply(toolsOf({ git, undo: clone.git })));
  const waiting = (): Promise<boolean> =>
    access(join(clone.folder, 'waiting')).then(
      () => true,
      () => false,
    );
  while (!(await waiting())) await sleep(10);
  controller.abort(new Error('interrupted'));
  expect((await work).message).toBe('interrupted');
  expect([await clone.git.head(), await sessionIsOpen()]).toEqual([head, false]);
  expect(await clone.run('status', '--porcelain')).toBe('?? waiting');
});

it('with --plan only says what would be run', async () => {
  await makePatch({ 'src/a.txt': lines('5 fixed') });
  const planned: string[] = [];
  const log = createLog((event) => event.kind === 'planned' && planned.push(event.effect));
  const git = createGit({ query: clone.runner, effects: createPlanningRunner(log), cwd: clone.folder });
  expect(await apply({ git, log })).toBe('applied');
  expect(planned).toEqual([`run: git am -3 ${clone.folder}/../scripts.patch`]);
  expect([await clone.git.head(), await sessionIsOpen()]).toEqual([head, false]);
});

describe('a patch that an earlier run applied', () => {
  it('is taken off again before a version is tagged, with the local changes left alone', async () => {
    await makePatch({ 'src/a.txt': lines('3 three') }, { 'src/b.txt': lines('4 four') });
    await apply();
    expect(await clone.git.head()).not.toBe(head);
    await clone.write('readme.txt', 'changed\n');
    await takeBackLocalPatch(PATCH, toolsOf());
    expect(await clone.git.head()).toBe(head);
    expect((await clone.git.changes()).unstaged).toEqual(['readme.txt']);
    expect(await apply()).toBe('applied');
  });

  it('stays when everybody has it', async () => {
    await makePatch({ 'src/a.txt': lines('3 three') });
    await apply();
    const applied = await clone.git.head();
    await clone.run('push', '--quiet', 'origin', 'HEAD:main');
    await takeBackLocalPatch(PATCH, toolsOf());
    expect(await clone.git.head()).toBe(applied);
  });

  it('is not mistaken for other work on top', async () => {
    await makePatch({ 'src/a.txt': lines('3 three') });
    await apply();
    await clone.write('src/b.txt', 'mine\n');
    await clone.commitAll('Mine');
    const mine = await clone.git.head();
    await takeBackLocalPatch(PATCH, toolsOf());
    expect(await clone.git.head()).toBe(mine);
  });
});
