import { execFileSync, spawnSync } from 'node:child_process';
import {
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  realpathSync,
  rmSync,
  symlinkSync,
} from 'node:fs';
import { homedir, tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it, jest } from '@jest/globals';
import { describeWithOriginal } from '../../helpers/conformance-original.ts';
import { originalTree } from '../../helpers/conformance-tree.ts';
import { gitTestEnv } from '../../helpers/git-clone.ts';

const ROOT = join(import.meta.dirname, '..', '..', '..');
const SHIMS = join(ROOT, 'config', 'shims');
const SCRIPT = 'test-nightly-tagging.sh';
const flatcar = originalTree() ?? '';

/** Steps start in half the time with it. */
const COMPILE_CACHE = process.env.NODE_COMPILE_CACHE ?? join(homedir(), '.cache/slipway/node-compile-cache');

// 28 cases, each with a working tree of its own.
jest.setTimeout(30 * 60_000);

const cases = [
  'not_a_nightly',
  'nightly_not_HEAD',
  'nightly_HEAD_no_tags',
  'nightly_HEAD_no_nightly_tag',
  'nightly_HEAD_nightly_tag_with_diff',
  'nightly_HEAD_nightly_tag_images_exist',
  'nightly_HEAD_nightly_tag_images_not_exist',
];
const combinations = cases.flatMap((name) =>
  ['sdk', 'packages'].flatMap((build) => ['sane', 'fetch_head'].map((checkout) => ({ name, build, checkout }))),
);

/** What the script says of each combination: `OK`, `skipping, …` or `FAIL: …`. */
const readOutcomes = (output: string): Map<string, string> => {
  const outcomes = new Map<string, string>();
  let current = '';
  for (const line of output.split('\n')) {
    const start = /^testcase: (\S+) {2}build type: (\S+) {2}checkout type: (\S+)/.exec(line);
    if (start) current = start.slice(1).join(' ');
    if (/^ +(OK|FAIL|skipping)/.test(line)) outcomes.set(current, line.trim());
  }
  return outcomes;
};

describeWithOriginal("the tree's own acceptance test of tagging", () => {
  describe.each(['copies', 'links'])("the tree's own acceptance test of tagging, with %s of our shims", (kind) => {
    let folder = '';
    let output = '';
    let outcomes = new Map<string, string>();

    beforeAll(() => {
      folder = mkdtempSync(join(realpathSync(tmpdir()), 'slipway-upstream-'));
      const at = (...names: string[]): string => join(folder, ...names);
      mkdirSync(at('tmp'));
      const env = { ...gitTestEnv(folder), TMPDIR: at('tmp'), NODE_COMPILE_CACHE: COMPILE_CACHE };
      const git = (...args: string[]): string => execFileSync('git', args, { cwd: folder, env, encoding: 'utf8' });
      git('clone', '--quiet', '--shared', '--bare', flatcar, 'origin.git');
      git('clone', '--quiet', '--shared', '--no-checkout', 'origin.git', 'clone');
      const inClone = ['-C', 'clone'];
      git(...inClone, 'config', 'user.name', 'Somebody');
      git(...inClone, 'config', 'user.email', 'somebody@example.org');
      // The script works on its own working trees; what is left out here are 60,000 files of packages that it never looks at.
      git(...inClone, 'checkout', '--quiet', '-B', 'main');
      git(...inClone, 'rm', '--quiet', '-r', 'sdk_container/src/third_party');
      for (const name of readdirSync(SHIMS).filter((file) => file.endsWith('.sh'))) {
        const target = at('clone', 'ci-automation', name);
        if (kind === 'copies') cpSync(join(SHIMS, name), target);
        else {
          rmSync(target);
          symlinkSync(join(SHIMS, name), target);
        }
      }
      git(...inClone, 'add', '--all', 'ci-automation');
      git(...inClone, 'commit', '--quiet', '-m', 'Slipway');
      git(...inClone, 'push', '--quiet', '--force', 'origin', 'main');
      const run = spawnSync('bash', [`./${SCRIPT}`, '-l', at('logs')], {
        cwd: at('clone'),
        env: { ...env, ...(kind === 'copies' ? { SLIPWAY_HOME: ROOT } : {}) },
        encoding: 'utf8',
      });
      output = `${run.stdout}${run.stderr}`;
      outcomes = readOutcomes(output);
    });
    afterAll(() => rmSync(folder, { recursive: true, force: true, maxRetries: 5 }));

    it.each(combinations)('$name, $build, $checkout', ({ name, build, checkout }) => {
      const log = join(folder, 'logs', `test_${name}__build_${build}__checkout_${checkout}`);
      const outcome = outcomes.get(`${name} ${build} ${checkout}`) ?? 'did not run';
      // The script itself leaves this one out.
      const isLeftOut = name === 'nightly_not_HEAD' && checkout === 'fetch_head';
      if (!isLeftOut && outcome !== 'OK') {
        throw new Error(`${outcome}\n${existsSync(log) ? readFileSync(log, 'utf8') : output}`);
      }
      if (isLeftOut) expect(outcome).toMatch(/^skipping/);
    });

    it('leaves nothing behind on the remote', () => {
      expect(output.trimEnd().split('\n').at(-1)).toBe('ALL DONE');
      const refs = execFileSync('git', ['-C', join(folder, 'origin.git'), 'for-each-ref', '--format=%(refname)'], {
        encoding: 'utf8',
      });
      expect(
        refs.split('\n').filter((ref) => /test(nightly|main|flatcar)test|devel-stuff|custom-stuff/.test(ref)),
      ).toEqual([]);
    });
  });
});
