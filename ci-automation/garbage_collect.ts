#!/usr/bin/env -S sh -c 'exec "$(dirname "$(readlink -f "$0")")/../lib/setup/run-step.sh" "$0" "$@"'
/**
 * Deletes what nobody needs any more: old development builds with their tags, what no tag stands for, test resources at cloud vendors, SDK images
 * of pull requests, and releases that have been copied to where releases are kept.
 *
 * Needs: a checkout with the right to delete tags, and an account on the cache server.
 */
import { join } from 'node:path';
import { createTagReader } from '../lib/git/index.ts';
import {
  COLLECTORS,
  type Collector,
  collectGarbage,
  type GarbageRequest,
  type GarbageTools,
  isCloudConfigured,
  parseGarbageRequest,
} from '../lib/retention/index.ts';
import { defineStep, type OwnFlag, requireCount, type StepContext, type StepDefinition } from '../lib/step/index.ts';
import { runAsScript } from './run-as-script.ts';

interface GarbageArguments {
  readonly request: GarbageRequest;
  readonly env: Readonly<Record<string, string | undefined>>;
  /** The cloud collector will run. */
  readonly usesEngine: boolean;
}

const toolsOf = (context: StepContext, { env, usesEngine }: GarbageArguments): GarbageTools => {
  const { settings, tree, git, query, effects, cache, log, signal, flags, root } = context;
  return {
    profile: tree.garbage,
    versionFile: { path: tree.versionFile, prefix: tree.variablePrefix },
    store: cache.store,
    git,
    tags: createTagReader({ git, query, objects: join(context.temp, 'objects') }),
    // A plan needs no engine to say how it would be called.
    cloud: { engine: usesEngine ? context.engine.command : [settings.docker || 'docker'], env, effects, root },
    feed: settings.RELEASES_JSON_FEED,
    maxSharePercent: settings.GARBAGE_MAX_SHARE,
    yesReally: flags['--yes-really'] !== undefined,
    now: context.now(),
    log,
    signal,
  };
};

const YES_REALLY: OwnFlag = {
  flag: '--yes-really',
  help: 'Delete orphans also when they are many or released versions',
};
const BUILD_LOGS: OwnFlag = { flag: '--build-logs', help: 'Collect build-logs of old releases too' };

type GarbageStep = Pick<StepDefinition<GarbageArguments>, 'name' | 'summary' | 'usage' | 'argumentsHelp' | 'ownFlags'>;

/**
 * Makes a step that collects garbage.
 *
 * @param only the one collector that it runs; left out: all, or those that the flag `--only` names
 */
export const defineGarbageStep = (step: GarbageStep, only?: Collector) =>
  defineStep<GarbageArguments>({
    ...step,
    reads: 'tags on the remote and in this clone; folders of the cache; the list of releases',
    writes: 'deletes in the cache, and tags on the remote and in this clone',
    hasDryRun: true,
    usesEngine: ({ usesEngine }) => usesEngine,
    parse(positionals, { settings, tree, flags, env, plan }) {
      requireCount(step, positionals, 0, 2);
      const words = {
        positionals,
        only: only ?? flags['--only'],
        withLogs: flags['--build-logs'] !== undefined,
        purgeVersions: settings.PURGE_VERSIONS,
      };
      const request = parseGarbageRequest(words, tree.garbage);
      const usesEngine = !plan && request.collectors.includes('cloud') && isCloudConfigured(tree.garbage.cloud, env);
      return { request, env, usesEngine };
    },
    run: (context, args) => collectGarbage(args.request, toolsOf(context, args)),
  });

export const garbageCollect = defineGarbageStep({
  name: 'garbage_collect',
  summary: 'deletes old builds, orphans and releases from the cache, and tags of old builds',
  usage: '[KEEP] [MIN_AGE_DAYS]',
  argumentsHelp: [
    'KEEP           how many of the newest development builds stay',
    'MIN_AGE_DAYS   builds younger than this stay too; with KEEP alone it is 0',
    'With --only pr-sdks:    [KEEP] [MIN_AGE_DAYS] of SDK images of pull requests',
    'With --only releases:   [KEEP] [LTS], releases that stay of each channel and LTS major, and LTS majors that stay',
    'With --only orphans, cloud: none. Defaults are in config/trees; an empty word stands for the default.',
    'PURGE_VERSIONS="TAG..." deletes these builds instead of the old ones. DRY_RUN=y only says what would be done.',
  ],
  ownFlags: [
    {
      flag: '--only',
      value: 'COLLECTOR',
      repeatable: true,
      help: `Run only these, commas between; in this order: ${COLLECTORS.join(', ')}`,
    },
    YES_REALLY,
    BUILD_LOGS,
  ],
});

/** The collector of SDK images of pull requests by itself, as the original has it. */
export const garbageCollectGithubCi = defineGarbageStep(
  {
    name: 'garbage_collect_github_ci',
    summary: 'deletes old SDK images of pull requests from the cache',
    usage: '[KEEP] [MIN_AGE_DAYS]',
    argumentsHelp: ['KEEP           how many of the newest stay', 'MIN_AGE_DAYS   those younger than this stay too'],
  },
  'pr-sdks',
);

/** The collector of releases by itself, as the original has it. */
export const garbageCollectReleases = defineGarbageStep(
  {
    name: 'garbage_collect_releases',
    summary: 'deletes old releases from the cache',
    usage: '[KEEP] [LTS]',
    argumentsHelp: ['KEEP   how many stay of each channel and LTS major', 'LTS    how many LTS majors stay'],
    ownFlags: [BUILD_LOGS],
  },
  'releases',
);

if (import.meta.main) await runAsScript(garbageCollect);
