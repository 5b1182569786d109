import type { SettingName, Settings } from '../config/index.ts';
import { slipwayError } from '../errors/index.ts';
import type { Log } from '../log/index.ts';
import { takeBackLocalPatch } from '../patch/index.ts';
import {
  tagVersion as applyTag,
  isNightlyOf,
  type SubmoduleRequest,
  type TaggingRules,
  type TagResult,
} from '../tag/index.ts';
import type { TreeDescription } from '../tree/index.ts';
import type { Channel, Version } from '../version/index.ts';
import type { StepContext } from './context.ts';
import type { StepSummary } from './definition.ts';

/** What came of tagging, for the step that asked for it. */
export interface Tagged {
  /** The step is over: nothing changed since the last build, or tagging was all that was asked for. */
  readonly stop: boolean;
  readonly summary: StepSummary;
}

/** The rules of a tree, with the settings that tests of the original use to keep away from real branches. */
export const taggingRules = (
  tree: TreeDescription,
  settings: Pick<Settings, 'CIA_DEBUGMAINBRANCH' | 'CIA_DEBUGFLATCARBRANCHPREFIX' | 'CIA_DEBUGNIGHTLY'>,
  kind: 'sdk' | 'packages',
): TaggingRules => {
  const nightly = tree.nightly[kind];
  const isSdk = kind === 'sdk';
  const testBranch = isSdk
    ? settings.CIA_DEBUGMAINBRANCH
    : settings.CIA_DEBUGFLATCARBRANCHPREFIX && `${settings.CIA_DEBUGFLATCARBRANCHPREFIX}-\${major}`;
  return {
    nightlyChannels: nightly.channels as Channel[],
    nightlyWord: settings.CIA_DEBUGNIGHTLY || 'nightly',
    intermediate: nightly.intermediate,
    previousTag: {
      channels: nightly.previousChannels as Channel[],
      sameMajor: nightly.sameMajor,
      releases: nightly.releasesCount,
    },
    branch: testBranch || nightly.branch,
    sdkVersion: isSdk ? 'follows' : 'kept',
    versionFile: { path: tree.versionFile, prefix: tree.variablePrefix },
    unchangedWhenCached: nightly.artifacts,
    author: tree.author,
    skipFlag: isSdk ? undefined : 'skip-build',
    uncommitted: tree.nightly.uncommitted,
    sourceFolders: tree.nightly.sourceFolders,
  };
};

const submodulesOf = ({ tree, settings }: StepContext): SubmoduleRequest[] =>
  tree.submodules.map(({ name, refSetting }) => ({ name, ref: String(settings[refSetting as SettingName] ?? '') }));

/** Of a nightly: that the build of an earlier night will do, or why not. */
const sayDecision = (log: Log, isNightly: boolean, { outcome, tag: path, reason }: TagResult): void => {
  const kind = outcome === 'unchanged' ? 'cache-hit' : 'cache-miss';
  if (isNightly) log.emit({ kind, what: 'nightly build', path, reason });
  else log.info(`${path}: ${reason}`);
};

/**
 * Tags and pushes the version that a step was asked to build.
 *
 * @param kind `sdk`: a new SDK and OS version; `packages`: a new OS version with the present SDK
 */
export const tagVersion = async (context: StepContext, kind: 'sdk' | 'packages', version: Version): Promise<Tagged> => {
  const { git, undo, workspace, cache, log, settings, tree } = context;
  // The key ring is the step's own: without a key in it git fails only when the version commit is made.
  if (settings.SIGN && settings.SIGNER === '') throw slipwayError('SIGN_WITHOUT_KEY', { version: version.text });
  if (tree.localPatch) await takeBackLocalPatch(tree.localPatch, { git, undo, log });
  const rules = taggingRules(tree, settings, kind);
  const result = await applyTag(
    {
      version,
      rules,
      submodules: submodulesOf(context),
      sign: settings.SIGN,
      avoidShortcuts: settings.AVOID_NIGHTLY_BUILD_SHORTCUTS,
      imagesExist: settings.CIA_DEBUGIMAGESEXIST,
    },
    { git, undo, files: workspace, hasAll: (paths) => cache.hasAll(paths), log },
  );
  sayDecision(log, isNightlyOf(rules, version), result);
  const testRun = settings.CIA_DEBUGTESTRUN !== '';
  return { stop: result.outcome === 'unchanged' || testRun, summary: { ...result } };
};
