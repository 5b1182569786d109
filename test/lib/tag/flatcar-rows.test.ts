import { access } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it, jest } from '@jest/globals';
import { type SlipwayError, slipwayError } from '../../../lib/errors/index.ts';
import { taggingRules } from '../../../lib/step/tagging.ts';
import {
  type TaggingRules,
  type TagRequest,
  type TagResult,
  type TagTools,
  tagVersion,
} from '../../../lib/tag/index.ts';
import { readTreeDescription } from '../../../lib/tree/index.ts';
import type { OriginTemplate, TestClone, TestOrigin } from '../../helpers/git-clone.ts';
import { makeTreeTemplate, requestFor, toolsFor, VERSION_FILE, versionText } from '../../helpers/git-tagging.ts';

/*
 * The decision table of the original (specification, sections 2.1 and 2.2), row by row, with the rules that config/trees/flatcar.yaml gives
 * its two tagging steps, on real repositories.
 */

// Real git, many processes: fine in a second, and still fine on a machine that is busy with something else.
jest.setTimeout(30_000);

const tree = await readTreeDescription(join(import.meta.dirname, '../../../config/trees/flatcar.yaml'));
const noSettings = { CIA_DEBUGMAINBRANCH: '', CIA_DEBUGFLATCARBRANCHPREFIX: '', CIA_DEBUGNIGHTLY: '' };

const kinds = {
  sdk: {
    rules: taggingRules(tree, noSettings, 'sdk'),
    branch: 'main',
    nightly: 'main-4500.3.0-nightly-20260821-2100',
    previous: 'main-4500.2.0-nightly-20260820-2100',
    other: 'main-4500.2.0-dev',
    release: 'main-4500.3.0-some-build',
    versionFile: versionText('4500.3.0+some-build', '4500.3.0+some-build'),
    artifacts: [
      'containers/4499.0.0/flatcar-sdk-all-4499.0.0.tar.zst',
      'images/amd64/4500.0.0/flatcar_production_image.bin.bz2',
      'images/arm64/4500.0.0/flatcar_production_image.bin.bz2',
    ],
  },
  packages: {
    rules: taggingRules(tree, noSettings, 'packages'),
    branch: 'flatcar-4500',
    nightly: 'stable-4500.3.0-nightly-20260821-2100',
    previous: 'stable-4500.2.0-nightly-20260820-2100',
    other: 'stable-4500.2.0-pro',
    release: 'stable-4500.3.0-some-build',
    versionFile: versionText('4500.3.0+some-build', '4499.0.0'),
    artifacts: [
      'images/amd64/4500.0.0/flatcar_production_image.bin.bz2',
      'images/arm64/4500.0.0/flatcar_production_image.bin.bz2',
    ],
  },
} as const;

let template: OriginTemplate;
let origin: TestOrigin;
let clone: TestClone;
let head: string;

beforeAll(async () => {
  template = await makeTreeTemplate();
});
afterAll(() => template.remove());
beforeEach(async () => {
  origin = await template.copy();
  clone = await origin.clone();
  head = await clone.git.head();
});
afterEach(() => origin.remove());

const faultOf = (work: Promise<unknown>): Promise<SlipwayError> =>
  work.then(
    () => {
      throw new Error('it went well');
    },
    (error: SlipwayError) => error,
  );

const run = (
  version: string,
  rules: TaggingRules,
  more: Partial<TagRequest> = {},
  tools: TagTools = toolsFor(clone),
): Promise<TagResult> => tagVersion(requestFor(version, rules, more), tools);

const hasSkipFlag = (): Promise<boolean> =>
  access(join(clone.folder, 'skip-build')).then(
    () => true,
    () => false,
  );

const pushTagHere = async (tag: string): Promise<void> => {
  await clone.run('tag', tag);
  await clone.run('push', '--quiet', 'origin', tag);
};

describe.each(Object.entries(kinds))(
  '%s',
  (kind, { rules, branch, nightly, previous, other, release, versionFile, artifacts }) => {
    it('row 2: a version that is no nightly is committed, and its tag alone is pushed', async () => {
      const before = await origin.refs();
      const { commit } = await run(release, rules);
      expect(await origin.refs()).toEqual({ ...before, [`refs/tags/${release}`]: commit });
      expect(await clone.run('cat-file', '-t', `refs/tags/${release}`)).toBe('commit');
      expect(await clone.read(VERSION_FILE)).toBe(versionFile);
    });

    it('row 3: a nightly whose branch the remote does not have is refused', async () => {
      await clone.run('--git-dir=../origin.git', 'update-ref', '-d', `refs/heads/${branch}`);
      const fault = await faultOf(run(nightly, rules));
      expect([fault.code, fault.kind]).toEqual(['BRANCH_MISSING', 'failure']);
    });

    it('row 4: a nightly that is not made from the head of its branch is refused, by what the remote has now', async () => {
      const other = await origin.clone();
      await other.commitAll('Newer');
      await other.run('push', '--quiet', 'origin', `HEAD:${branch}`);
      const refs = await origin.refs();
      const fault = await faultOf(run(nightly, rules));
      expect([fault.code, fault.kind]).toEqual(['NOT_ON_BRANCH_HEAD', 'failure']);
      expect([await clone.git.head(), await clone.git.isDirty(['.']), await origin.refs()]).toEqual([
        head,
        false,
        refs,
      ]);
    });

    it('row 5: with shortcuts off no earlier build is looked for', async () => {
      await pushTagHere(previous);
      const tools = toolsFor(clone, true);
      expect(await run(nightly, rules, { avoidShortcuts: true }, tools)).toMatchObject({ outcome: 'tagged', branch });
      expect(tools.asked).toEqual([]);
    });

    it('rows 6 and 7: without an earlier build it goes to its branch with its tag', async () => {
      await pushTagHere(other);
      const { commit } = await run(nightly, rules, {}, toolsFor(clone, true));
      expect(await origin.refs()).toMatchObject({ [`refs/heads/${branch}`]: commit, [`refs/tags/${nightly}`]: commit });
    });

    it('row 8: with an earlier build and changed files it is refused, and nothing is committed', async () => {
      await pushTagHere(previous);
      await clone.write('other/readme', 'changed\n');
      const before = await clone.state();
      const fault = await faultOf(run(nightly, rules, {}, toolsFor(clone, true)));
      expect([fault.code, fault.kind]).toEqual(['CHECKOUT_DIRTY', 'failure']);
      expect(await clone.state()).toBe(before);
    });

    it('row 10: with an earlier build whose artifacts are there it stops, and only packages say so to later steps', async () => {
      await pushTagHere(previous);
      const tools = toolsFor(clone, true);
      const [before, refs] = [await clone.state(), await origin.refs()];
      expect(await run(nightly, rules, {}, tools)).toMatchObject({ outcome: 'unchanged', tag: previous, commit: head });
      expect(tools.asked).toEqual(artifacts);
      expect(await origin.refs()).toEqual(refs);
      expect(await hasSkipFlag()).toBe(kind === 'packages');
      if (kind === 'packages') expect(await clone.read('skip-build')).toBe('');
      else expect(await clone.state()).toBe(before);
    });

    it('row 11: with an earlier build whose artifacts are not there it is made; an old flag file is taken away', async () => {
      await pushTagHere(previous);
      await run(nightly, rules, {}, toolsFor(clone, true));
      expect(await run(nightly, rules)).toMatchObject({ outcome: 'tagged', branch });
      expect(await hasSkipFlag()).toBe(false);
    });

    it('row 11: with an earlier build and a cache that gives no answer it is made', async () => {
      await pushTagHere(previous);
      const facts = { host: 'cache', tries: 6, doing: 'look', problem: 'no route' };
      const tools = toolsFor(clone);
      const hasAll = () => Promise.reject(slipwayError('CACHE_UNREACHABLE', facts));
      expect(await run(nightly, rules, {}, { ...tools, hasAll })).toMatchObject({ outcome: 'tagged', branch });
      expect(tools.lines.join('\n')).toContain('the build goes on as if nothing were there');
    });

    it('row 12: a wrong answer of tests is refused', async () => {
      await pushTagHere(previous);
      const fault = await faultOf(run(nightly, rules, { imagesExist: 'perhaps' }));
      expect([fault.code, fault.kind]).toEqual(['TAG_SETTING_INVALID', 'failure']);
    });

    it('tail, 1 and 3: author of the original where git knows none, message, sign-off', async () => {
      await run(release, rules);
      expect(await clone.run('log', '-1', '--format=%an <%ae>%n%B')).toBe(
        `flatcar-ci <infra+ci@flatcar-linux.org>\nNew version: ${release}\n\nSigned-off-by: flatcar-ci <infra+ci@flatcar-linux.org>\n`,
      );
    });

    it('tail, 3: what else is staged is not swept into the version commit', async () => {
      await clone.write('other/readme', 'staged\n');
      await clone.run('add', 'other/readme');
      const before = await clone.state();
      const fault = await faultOf(run(release, rules));
      expect([fault.code, fault.kind]).toEqual(['STAGED_CHANGES', 'misuse']);
      expect(await clone.state()).toBe(before);
    });

    it('tail, 3: what is changed and not staged is left alone', async () => {
      await clone.write('other/readme', 'mine\n');
      await clone.write('untracked', 'mine\n');
      await run(release, rules);
      expect(await clone.run('diff', '--name-only', 'HEAD~1', 'HEAD')).toBe(VERSION_FILE);
      expect(await clone.run('status', '--porcelain')).toBe(' M other/readme\n?? untracked');
    });

    it('tail, 5a: an equal tag of the remote is checked out and nothing is pushed', async () => {
      const { commit } = await run(release, rules);
      const refs = await origin.refs();
      const again = await origin.clone();
      expect(await run(release, rules, {}, toolsFor(again))).toMatchObject({ outcome: 'reused', commit, pushed: [] });
      expect([await again.git.currentBranch(), await again.git.head()]).toEqual([undefined, commit]);
      expect(await origin.refs()).toEqual(refs);
    });

    it('tail, 5a: an equal tag that only this clone has is pushed', async () => {
      await origin.hook('pre-receive', 'exit 1');
      await clone.write(VERSION_FILE, versionFile);
      await clone.commitAll(`New version: ${release}`);
      await clone.run('tag', release);
      await origin.hook('pre-receive', 'exit 0');
      expect(await run(release, rules)).toMatchObject({ outcome: 'tagged', pushed: [`refs/tags/${release}`] });
      expect((await origin.refs())[`refs/tags/${release}`]).toBe(await clone.git.head());
    });

    it('tail, 5b: a tag with other files is refused, and no commit stays in the clone', async () => {
      const elsewhere = await origin.clone();
      await elsewhere.write('other/readme', 'other\n');
      await elsewhere.commitAll('Other');
      await run(release, rules, {}, toolsFor(elsewhere));
      const fault = await faultOf(run(release, rules));
      expect([fault.code, fault.kind]).toEqual(['TAG_DIFFERS', 'failure']);
      expect(await clone.git.head()).toBe(head);
      expect(await clone.run('status', '--porcelain')).toBe('');
    });

    it('tail, 7 and 8: when the branch or the tag is rejected, neither is pushed and the clone is as it was', async () => {
      for (const ref of [`refs/heads/${branch}`, `refs/tags/${nightly}`]) {
        await origin.hook('update', `[ "$1" != "${ref}" ]`);
        const [before, refs] = [await clone.state(), await origin.refs()];
        expect((await faultOf(run(nightly, rules))).code).toBe('PUSH_REJECTED');
        expect([await clone.state(), await origin.refs()]).toEqual([before, refs]);
      }
    });
  },
);

describe('which tags count as an earlier build', () => {
  it.each([
    ['sdk', 'main-4499.0.0-nightly-20260820-2100', true],
    ['sdk', 'main-4500.0.0-nightly-20260820-2100-INTERMEDIATE', false],
    ['sdk', 'main-4500.0.0', false],
    ['sdk', 'stable-4500.0.0-nightly-20260820-2100', false],
    ['packages', 'stable-4500.2.0', true],
    ['packages', 'lts-4500.2.0-nightly-20260820-2100', true],
    ['packages', 'stable-4499.2.0', false],
    ['packages', 'stable-4500.2.0-pro', false],
    ['packages', 'main-4500.2.0-nightly-20260820-2100', false],
  ] as const)('%s, %s: %s', async (kind, tag, counts) => {
    await pushTagHere(tag);
    const { rules, nightly } = kinds[kind];
    const { outcome } = await run(nightly, rules, {}, toolsFor(clone, true));
    expect(outcome).toBe(counts ? 'unchanged' : 'tagged');
  });

  it('an intermediate SDK can be asked for, goes to the branch, and is not followed by a standstill', async () => {
    const { rules, nightly } = kinds.sdk;
    expect(await run(`${nightly}-INTERMEDIATE`, rules)).toMatchObject({ outcome: 'tagged', branch: 'main' });
    expect(await run('main-4500.4.0-nightly-20260821-2200', rules, {}, toolsFor(clone, true))).toMatchObject({
      outcome: 'tagged',
      branch: 'main',
    });
  });

  it('main is no channel of packages: the tag that the SDK step pushed is taken as it is', async () => {
    const { nightly } = kinds.sdk;
    const { commit } = await run(nightly, kinds.sdk.rules);
    expect(await run(nightly, kinds.packages.rules)).toMatchObject({ outcome: 'reused', commit, pushed: [] });
  });
});

it('the settings of the original for tests change branch and word', async () => {
  const settings = { CIA_DEBUGMAINBRANCH: 'b1', CIA_DEBUGFLATCARBRANCHPREFIX: 'b2', CIA_DEBUGNIGHTLY: 'testnightly' };
  await clone.run('push', '--quiet', 'origin', 'HEAD:b1', 'HEAD:b2-4500');
  const sdk = await run('main-4500.3.0-testnightly-20260821-2100', taggingRules(tree, settings, 'sdk'));
  expect(sdk.branch).toBe('b1');
  await clone.run('reset', '--quiet', '--hard', head);
  const packages = await run('stable-4500.3.0-testnightly-20260821-2100', taggingRules(tree, settings, 'packages'));
  expect(packages.branch).toBe('b2-4500');
});
