import { slipwayError } from '../errors/index.ts';
import type { RunOptions, RunResult } from '../process/index.ts';
import { parsePush, parseRemoteRefs } from './parse.ts';
import type { GitPlace } from './queries.ts';
import type { GitEffects, GitPatchEffects, GitSubmoduleEffects } from './types.ts';

/** Exit codes of `git push` that the caller judges: all pushed, something rejected, connection or setup broken. */
const PUSH_ANSWERS = [0, 1, 128];

/** @param place `runner` only reports with `--plan` */
export const createGitEffects = ({
  runner,
  cwd,
  remote,
  env,
}: GitPlace): Omit<GitEffects, keyof (GitPatchEffects & GitSubmoduleEffects)> => {
  const change = async (args: readonly string[], options: RunOptions = {}): Promise<RunResult> =>
    runner.run(['git', ...args], { cwd, env, ...options });
  return {
    async fetch() {
      await change(['fetch', '--all', '--tags', '--force']);
    },
    async fetchObjects(ref) {
      await change(['fetch', '--quiet', '--no-tags', remote, ref]);
    },
    async setConfig(key, value) {
      await change(['config', key, value]);
    },
    async add(path) {
      await change(['add', '--', path]);
    },
    async commit(message, paths) {
      await change(['commit', '--signoff', '--allow-empty', '-m', message, '--', ...paths]);
    },
    async tag(name, { sign }) {
      await change(sign ? ['tag', '--sign', `--message=${name}`, name] : ['tag', '--no-sign', name]);
    },
    async checkoutTag(name) {
      await change(['-c', 'advice.detachedHead=false', 'checkout', '--force', `refs/tags/${name}`]);
    },
    async moveHead(to, expected, reason) {
      await change(['update-ref', '-m', reason, 'HEAD', to, expected]);
    },
    async deleteRef(ref, expected) {
      await change(['update-ref', '-d', ref, expected]);
    },
    async deleteRemoteTag(name, expected) {
      const ref = `refs/tags/${name}`;
      // Somebody may have made the tag anew since it was looked at.
      const lease = `--force-with-lease=${ref}:${expected}`;
      const options: RunOptions = { stdout: 'capture', okExitCodes: PUSH_ANSWERS };
      const { exitCode, stderr } = await change(['push', '--porcelain', lease, remote, `:${ref}`], options);
      if (exitCode === 0) return;
      const { stdout } = await change(['ls-remote', remote, ref], { stdout: 'capture' });
      const found = parseRemoteRefs(stdout).get(ref);
      if (found !== undefined)
        throw slipwayError('TAG_NOT_DELETED', { tag: name, remote, expected, found, output: stderr });
    },
    async setIndexEntry(path, entry) {
      const args = entry
        ? ['--add', '--cacheinfo', `${entry.mode},${entry.blob},${path}`]
        : ['--force-remove', '--', path];
      await change(['update-index', ...args]);
    },
    async push(refspecs) {
      const atomic = refspecs.length > 1 ? ['--atomic'] : [];
      const options: RunOptions = { stdout: 'capture', okExitCodes: PUSH_ANSWERS };
      const { exitCode, stdout, stderr } = await change(
        ['push', ...atomic, '--porcelain', remote, ...refspecs],
        options,
      );
      return { exitCode, refs: parsePush(stdout), output: stderr };
    },
  };
};
