import { isSlipwayError } from '../../errors/index.ts';
import { createGit } from '../../git/index.ts';
import type { RunResult } from '../../process/index.ts';
import { combine, failed, ok, skipped, warning } from '../finding.ts';
import type { Check, CheckContext, Finding } from '../types.ts';

/** The oldest that knows all options that are used. */
const OLDEST: readonly [major: number, minor: number] = [2, 30];
const REMOTE = 'origin';
const COMPLAINT_LINES = 6;
/** Nothing of this name is ever made. */
const PROBE_BRANCH = 'refs/heads/slipway-doctor-probe';

const gitOf = ({ runner, cwd }: CheckContext) => createGit({ query: runner, effects: runner, cwd });

/** Credentials in a URL are nobody's business. */
const withoutCredentials = (text: string): string => text.replaceAll(/(\w+:\/\/)[^@/\s]+@/g, '$1');

/** What git and the other side said last. */
const complaintOf = (text: string): string => {
  const lines = text.split('\n').filter((line) => line.trim() !== '');
  return withoutCredentials(lines.slice(-COMPLAINT_LINES).join('\n'));
};

const versionFinding = async ({ runner }: CheckContext): Promise<Finding> => {
  const { stdout } = await runner.run(['git', '--version'], { stdout: 'capture' });
  const [, major = '0', minor = '0'] = /(\d+)\.(\d+)/.exec(stdout) ?? [];
  const isOld = Number(major) < OLDEST[0] || (Number(major) === OLDEST[0] && Number(minor) < OLDEST[1]);
  if (!isOld) return ok(stdout.trim());
  return failed(`${stdout.trim()} is too old, ${OLDEST.join('.')} or later is needed`, 'apt-get install git');
};

const identityFinding = async (context: CheckContext): Promise<Finding> => {
  const git = gitOf(context);
  const [name, email] = await Promise.all([git.getConfig('user.name'), git.getConfig('user.email')]);
  if (name && email) return ok(`commits are by ${name} <${email}>`);
  const missing = [...(name ? [] : ['user.name']), ...(email ? [] : ['user.email'])].join(' and ');
  const { tree } = context;
  if (tree)
    return ok(
      `${missing} not set: commits of versions are by ${tree.author.name} <${tree.author.email}>, as the tree says`,
    );
  const fix = 'git config --global user.name "Your Name"; git config --global user.email you@example.org';
  return warning(`git does not know who you are: ${missing} not set`, fix);
};

/** Undefined when all is well with the checkout, else why it is none. */
const checkoutFault = async (context: CheckContext): Promise<Finding | undefined> => {
  try {
    await gitOf(context).head();
    return undefined;
  } catch (error) {
    if (!isSlipwayError(error, 'NOT_A_GIT_CHECKOUT')) throw error;
    const reason = String(error.data.reason);
    if (reason.includes('dubious ownership')) {
      return failed(
        `${context.cwd} belongs to another user, so git does not touch it`,
        `git config --global --add safe.directory ${context.cwd}`,
      );
    }
    return context.tree ? failed(error.message, error.hint) : skipped(`${context.cwd} is no git checkout`);
  }
};

export const git: Check = {
  name: 'git',
  summary: 'version of git, the checkout, and who commits',
  async run(context) {
    context.doing('asking git');
    const version = await versionFinding(context);
    const fault = await checkoutFault(context);
    if (fault)
      return fault.outcome === 'skipped'
        ? combine([version, await identityFinding(context)])
        : combine([version, fault]);
    return combine([version, await identityFinding(context)]);
  },
};

/** Why the remote cannot be asked at all; undefined: it can. */
const withoutRemote = async (context: CheckContext): Promise<Finding | undefined> => {
  const fault = await checkoutFault(context);
  if (fault)
    return skipped(fault.outcome === 'skipped' ? fault.seen : "the checkout cannot be used; see the check 'git'");
  const url = await gitOf(context).getConfig(`remote.${REMOTE}.url`);
  if (url !== undefined) return undefined;
  const fix = `git remote add ${REMOTE} URL`;
  return context.tree
    ? failed(`the checkout has no remote '${REMOTE}', to which versions are pushed`, fix)
    : skipped(`the checkout has no remote '${REMOTE}'`);
};

/** Nobody is there to type a password. */
const ask = (context: CheckContext, ...args: string[]): Promise<RunResult> =>
  context.runner.run(['git', ...args], {
    stdout: 'capture',
    okExitCodes: [0, 1, 128],
    env: { GIT_TERMINAL_PROMPT: '0', GIT_OPTIONAL_LOCKS: '0' },
  });

const shownUrl = async (context: CheckContext): Promise<string> =>
  withoutCredentials((await gitOf(context).getConfig(`remote.${REMOTE}.url`)) ?? REMOTE);

export const gitRemote: Check = {
  name: 'git-remote',
  summary: 'whether the remote of the checkout answers',
  usesNetwork: true,
  async run(context) {
    const skip = await withoutRemote(context);
    if (skip) return skip;
    const url = await shownUrl(context);
    context.doing(`asking ${url} for its refs`);
    const { exitCode, stderr } = await ask(context, 'ls-remote', REMOTE, 'HEAD');
    if (exitCode === 0) return ok(`${url} answers`);
    const fix = `Check the network and this account's key or token for the remote: git ls-remote ${REMOTE} HEAD`;
    return failed(`${url} cannot be read:\n${complaintOf(stderr)}`, fix);
  },
};

export const gitPush: Check = {
  name: 'git-push',
  summary: 'whether the remote lets this account push, by a dry run that changes nothing',
  usesNetwork: true,
  async run(context) {
    if (context.readOnly) return skipped('--read-only');
    const skip = await withoutRemote(context);
    if (skip) return skip;
    const url = await shownUrl(context);
    context.doing(`asking ${url} whether it takes a push`);
    const { exitCode, stderr, stdout } = await ask(
      context,
      'push',
      '--dry-run',
      '--porcelain',
      REMOTE,
      `HEAD:${PROBE_BRANCH}`,
    );
    if (exitCode === 0) return ok(`${url} takes pushes of this account (what its hooks say shows only a real push)`);
    const fix = `Steps that tag a version push to it. Give this account's key or token the right to write, then: git push --dry-run ${REMOTE} HEAD:${PROBE_BRANCH}\nA machine that only builds what is tagged: doctor --read-only`;
    return failed(`${url} does not take a push of this account:\n${complaintOf(stderr || stdout)}`, fix);
  },
};
