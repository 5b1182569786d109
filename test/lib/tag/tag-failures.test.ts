import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it, jest } from '@jest/globals';
import type { SlipwayError } from '../../../lib/errors/index.ts';
import { createGit, type Git } from '../../../lib/git/index.ts';
import { createLog } from '../../../lib/log/index.ts';
import { createPlanningRunner, createRunner } from '../../../lib/process/index.ts';
import { type TagResult, tagVersion } from '../../../lib/tag/index.ts';
import { gitTestEnv, type OriginTemplate, type TestClone, type TestOrigin } from '../../helpers/git-clone.ts';
import {
  makeTreeTemplate,
  requestFor,
  sdkRules,
  toolsFor,
  VERSION_FILE,
  versionText,
} from '../../helpers/git-tagging.ts';

const NIGHTLY = 'main-4799.0.0-nightly-20260821-2100';
const LATER = 'main-4799.0.0-nightly-20260821-2200';
const NUMBER = '4799.0.0+nightly-20260821-2100';
const RELEASE = 'stable-4500.2.1';

// Real git, many processes: fine in a second, and still fine on a machine that is busy with something else.
jest.setTimeout(30_000);

let template: OriginTemplate;
let origin: TestOrigin;
let clone: TestClone;

beforeAll(async () => {
  template = await makeTreeTemplate();
});
afterAll(() => template.remove());
beforeEach(async () => {
  origin = await template.copy();
  clone = await origin.clone();
});
afterEach(() => origin.remove());

describe('two runs at once', () => {
  /** Lets pushes go only when all runs are there, so that every run has seen a remote without the tag. */
  const meetBeforePush = (
    git: Git,
    meet: () => Promise<void>,
    turn: <T>(work: () => Promise<T>) => Promise<T>,
  ): Git => ({
    ...git,
    push: async (refspecs) => {
      await meet();
      return turn(() => git.push(refspecs));
    },
  });

  /** One at a time. */
  const inTurn = () => {
    let last: Promise<unknown> = Promise.resolve();
    return <T>(work: () => Promise<T>): Promise<T> => {
      const mine = last.then(work);
      last = mine.catch(() => undefined);
      return mine;
    };
  };
  const atOnce =
    () =>
    <T>(work: () => Promise<T>): Promise<T> =>
      work();

  const race = async (
    versions: readonly [string, string],
    env: Record<string, string>,
    turns: typeof inTurn = atOnce,
    prepare?: (second: TestClone) => Promise<void>,
  ) => {
    const turn = turns();
    const clones = [clone, await origin.clone()] as const;
    await prepare?.(clones[1]);
    let open = (): void => {};
    const opened = new Promise<void>((resolve) => {
      open = resolve;
    });
    let waiting = 0;
    const meet = async (): Promise<void> => {
      waiting += 1;
      if (waiting === 2) open();
      await opened;
    };
    const before = await Promise.all(clones.map((each) => each.state()));
    const runs = clones.map((each, at) => {
      const git = createGit({ query: each.runner, effects: each.runner, cwd: each.folder, env });
      return tagVersion(requestFor(versions[at] ?? '', sdkRules), {
        ...toolsFor(each),
        git: meetBeforePush(git, meet, turn),
      });
    });
    const ends = await Promise.allSettled(runs);
    const winners = ends.flatMap((end) => (end.status === 'fulfilled' ? [end.value] : []));
    const losers = ends.flatMap((end) => (end.status === 'rejected' ? [end.reason as SlipwayError] : []));
    expect([winners.length, losers.length]).toEqual([1, 1]);
    const lost = ends.findIndex((end) => end.status === 'rejected');
    expect(await clones[lost]?.state()).toBe(before[lost]);
    return { winner: winners[0] as TagResult, loser: losers[0] as SlipwayError, lostIn: clones[lost] as TestClone };
  };

  const sameSecond = { GIT_AUTHOR_DATE: '1700000000 +0000', GIT_COMMITTER_DATE: '1700000000 +0000' };

  it.each([
    ['a release', RELEASE, {}, atOnce],
    ['a nightly', NIGHTLY, {}, atOnce],
    ['a release, even with the very same commit', RELEASE, sameSecond, atOnce],
    ['a nightly, even with the very same commit, one push after the other', NIGHTLY, sameSecond, inTurn],
  ])('%s: one wins, the other leaves nothing and can run again', async (_name, version, env, turns) => {
    const { winner, loser, lostIn } = await race([version, version], env, turns);
    expect(loser).toMatchObject({
      code: 'TAG_TAKEN',
      kind: 'failure',
      data: { tag: version, takenBy: winner.commit, sameTree: true },
    });
    expect((await origin.refs())[`refs/tags/${version}`]).toBe(winner.commit);
    const again = await tagVersion(requestFor(version, sdkRules), toolsFor(lostIn));
    expect(again).toMatchObject({ outcome: 'reused', commit: winner.commit });
  });

  it('says when the files of the winner are others', async () => {
    const { loser } = await race([RELEASE, RELEASE], {}, atOnce, async (second) => {
      await second.write('packages/one', 'changed\n');
      await second.commitAll('change');
    });
    expect(loser).toMatchObject({ code: 'TAG_TAKEN', data: { sameTree: false } });
  });

  it('two nightlies of one branch: the other finds it moved, and its tag is not there', async () => {
    const { winner, loser } = await race([NIGHTLY, LATER], {});
    expect(loser).toMatchObject({ code: 'BRANCH_MOVED', data: { tip: winner.commit } });
    const refs = await origin.refs();
    expect(refs['refs/heads/main']).toBe(winner.commit);
    expect(Object.keys(refs).filter((ref) => ref.startsWith('refs/tags/'))).toEqual([`refs/tags/${winner.tag}`]);
  });

  it('without a meeting point: still one tag, and nobody else says that it tagged', async () => {
    const others = await Promise.all([origin.clone(), origin.clone()]);
    const runs = [clone, ...others].map((each) => tagVersion(requestFor(NIGHTLY, sdkRules), toolsFor(each)));
    const ends = await Promise.allSettled(runs);
    const outcomes = ends.map((end) =>
      end.status === 'fulfilled' ? end.value.outcome : (end.reason as SlipwayError).code,
    );
    expect(outcomes.filter((outcome) => outcome === 'tagged')).toHaveLength(1);
    for (const outcome of outcomes) expect(['tagged', 'reused', 'TAG_TAKEN']).toContain(outcome);
  });
});

describe('a push that fails', () => {
  const failing = async (version: string, code: string) => {
    const [before, refs] = [await clone.state(), await origin.refs()];
    const error: unknown = await tagVersion(requestFor(version, sdkRules), toolsFor(clone)).catch(
      (thrown: unknown) => thrown,
    );
    expect(error).toMatchObject({ code, kind: 'failure' });
    expect([await clone.state(), await origin.refs()]).toEqual([before, refs]);
    return error as SlipwayError;
  };

  it('by a hook: nothing is left, and it works when the hook lets it', async () => {
    await origin.hook('pre-receive', 'echo "no tags on Fridays" >&2; exit 1');
    for (const version of [RELEASE, NIGHTLY]) {
      const error = await failing(version, 'PUSH_REJECTED');
      expect(error.hint).toContain('no tags on Fridays');
    }
    await origin.hook('pre-receive', 'exit 0');
    expect((await tagVersion(requestFor(NIGHTLY, sdkRules), toolsFor(clone))).outcome).toBe('tagged');
  });

  it('for the tag alone or the branch alone: neither is pushed', async () => {
    for (const kind of ['refs/tags/*', 'refs/heads/*']) {
      await origin.hook('update', `case "$1" in ${kind}) exit 1;; esac`);
      await failing(NIGHTLY, 'PUSH_REJECTED');
    }
  });

  it('without an answer: says so', async () => {
    await clone.run('remote', 'set-url', '--push', 'origin', join(origin.folder, 'nowhere'));
    await failing(NIGHTLY, 'PUSH_FAILED');
  });

  it('although the remote took it: it is pushed', async () => {
    const git: Git = {
      ...clone.git,
      async push(refspecs) {
        await clone.git.push(refspecs);
        return { exitCode: 128, refs: [], output: 'the connection broke' };
      },
    };
    const result = await tagVersion(requestFor(NIGHTLY, sdkRules), { ...toolsFor(clone), git });
    expect(result).toMatchObject({ outcome: 'tagged', pushed: ['refs/heads/main', `refs/tags/${NIGHTLY}`] });
  });

  it('brings back a version file that was staged or missing', async () => {
    await origin.hook('pre-receive', 'exit 1');
    await clone.write(VERSION_FILE, versionText('1.0.0', '1.0.0'));
    await clone.run('add', VERSION_FILE);
    await failing(RELEASE, 'PUSH_REJECTED');
    await clone.run('rm', '--quiet', '--force', VERSION_FILE);
    await failing(RELEASE, 'PUSH_REJECTED');
  });

  it('by an interrupt: what was done is taken back although no command may start any more', async () => {
    await origin.hook('pre-receive', 'sleep 10');
    const before = await clone.state();
    const interrupt = new AbortController();
    const env = gitTestEnv(join(clone.folder, '..'));
    const stoppable = createRunner({ cwd: clone.folder, env, signal: interrupt.signal });
    const git = createGit({ query: stoppable, effects: stoppable, cwd: clone.folder });
    const run = tagVersion(requestFor(NIGHTLY, sdkRules), { ...toolsFor(clone), git, undo: clone.git });
    const stopped = expect(run).rejects.toThrow('stop');
    while ((await clone.git.refValue(`refs/tags/${NIGHTLY}`)) === undefined) await sleep(20);
    await sleep(100);
    interrupt.abort(new Error('stop'));
    await stopped;
    expect(await clone.state()).toBe(before);
  });
});

describe('an attempt that was killed', () => {
  const commitByHand = async (): Promise<string> => {
    await clone.write(VERSION_FILE, versionText(NUMBER, NUMBER));
    return clone.commitAll(`New version: ${NIGHTLY}`);
  };

  it.each(['written', 'committed', 'tagged'])('when it had %s: the next one finishes', async (when) => {
    const commit = when === 'written' ? undefined : await commitByHand();
    if (when === 'written') await clone.write(VERSION_FILE, versionText(NUMBER, NUMBER));
    if (when === 'tagged') await clone.run('tag', NIGHTLY);
    const result = await tagVersion(requestFor(NIGHTLY, sdkRules), toolsFor(clone));
    expect(result).toMatchObject({ outcome: 'tagged', branch: 'main' });
    if (commit) expect(result.commit).toBe(commit);
    expect(await origin.refs()).toMatchObject({
      'refs/heads/main': result.commit,
      [`refs/tags/${NIGHTLY}`]: result.commit,
    });
    expect(await clone.run('rev-list', '--count', 'HEAD')).toBe('2');
  });
});

describe('a signed tag', () => {
  let home: string;
  beforeEach(async () => {
    home = await mkdtemp(join(tmpdir(), 'slipway-gpg-'));
  });
  afterEach(async () => {
    await clone.runner.run(['gpgconf', '--homedir', home, '--kill', 'all']);
    await rm(home, { recursive: true, force: true });
  });

  const signing = () => ({
    ...toolsFor(clone),
    git: createGit({ query: clone.runner, effects: clone.runner, cwd: clone.folder, env: { GNUPGHOME: home } }),
  });

  it('is signed with the key of the committer and has the version as its message', async () => {
    const uid = 'flatcar-ci <infra+ci@flatcar-linux.org>';
    const quick = ['--batch', '--quiet', '--passphrase', '', '--quick-generate-key', uid, 'ed25519', 'sign', 'never'];
    await clone.runner.run(['gpg', '--homedir', home, ...quick]);
    const result = await tagVersion(requestFor(RELEASE, sdkRules, { sign: true }), signing());
    expect((await origin.refs())[`refs/tags/${RELEASE}`]).toBe(await clone.run('rev-parse', `refs/tags/${RELEASE}`));
    expect(await clone.run('cat-file', '-t', RELEASE)).toBe('tag');
    expect(await clone.run('for-each-ref', '--format=%(contents:subject)', `refs/tags/${RELEASE}`)).toBe(RELEASE);
    await clone.runner.run(['git', 'verify-tag', RELEASE], { env: { GNUPGHOME: home } });
    const other = await origin.clone();
    expect(await tagVersion(requestFor(RELEASE, sdkRules), toolsFor(other))).toMatchObject({
      outcome: 'reused',
      commit: result.commit,
    });
  });

  it('without a key fails and leaves nothing', async () => {
    const before = await clone.state();
    const run = tagVersion(requestFor(RELEASE, sdkRules, { sign: true }), signing());
    await expect(run).rejects.toMatchObject({ code: 'COMMAND_FAILED' });
    expect(await clone.state()).toBe(before);
  });
});

describe('with --plan', () => {
  it('says what would happen, from what the remote has now, and changes nothing', async () => {
    const planned: string[] = [];
    const log = createLog((event) => event.kind === 'planned' && planned.push(event.effect));
    const git = createGit({ query: clone.runner, effects: createPlanningRunner(log), cwd: clone.folder });
    const files = { write: async () => {}, remove: async () => {} };
    const [before, refs] = [await clone.state(), await origin.refs()];
    const result = await tagVersion(requestFor(NIGHTLY, sdkRules), { ...toolsFor(clone), git, files });
    expect(result).toMatchObject({
      outcome: 'tagged',
      branch: 'main',
      pushed: ['refs/heads/main', `refs/tags/${NIGHTLY}`],
    });
    expect(planned).toEqual([
      'run: git fetch --all --tags --force',
      'run: git config user.name flatcar-ci',
      'run: git config user.email infra+ci@flatcar-linux.org',
      `run: git commit --signoff --allow-empty -m 'New version: ${NIGHTLY}' -- ${VERSION_FILE}`,
      `run: git tag --no-sign ${NIGHTLY}`,
      `run: git push --atomic --porcelain origin HEAD:refs/heads/main refs/tags/${NIGHTLY}`,
    ]);
    expect([await clone.state(), await origin.refs()]).toEqual([before, refs]);
    const other = await origin.clone();
    await tagVersion(requestFor(NIGHTLY, sdkRules), toolsFor(other));
    expect(await tagVersion(requestFor(NIGHTLY, sdkRules), { ...toolsFor(clone), git, files })).toMatchObject({
      outcome: 'reused',
    });
    await expect(tagVersion(requestFor(LATER, sdkRules), { ...toolsFor(clone), git, files })).rejects.toMatchObject({
      code: 'NOT_ON_BRANCH_HEAD',
    });
    expect(await clone.state()).toBe(before);
  });
});
