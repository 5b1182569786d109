#!/usr/bin/env -S sh -c 'exec "$(dirname "$(readlink -f "$0")")/../lib/setup/run-step.sh" "$0" "$@"'
/** Says what is different between two published builds: packages, sizes, kernel configuration, commits, and the images from the top. Changes nothing. */
import { mkdir, writeFile } from 'node:fs/promises';
import { dirname, resolve } from 'node:path';
import { createArtifactCache } from '../lib/cache/index.ts';
import { createRunner } from '../lib/process/index.ts';
import { createStatementReader } from '../lib/provenance/index.ts';
import type { OpenedStore, StepIo } from '../lib/step/index.ts';
import { type DiffRequest, diffHelp, parseDiffRequest } from './diff/arguments.ts';
import { findBuild } from './diff/builds.ts';
import { type BuildDiff, compareBuilds } from './diff/compare-builds.ts';
import { logBetween } from './diff/git-log.ts';
import { loadRequested, ofNightlies, readingSettings } from './diff/reading.ts';
import { diffMarkdown, diffPage, diffText } from './diff/render.ts';
import { runCommandAsScript } from './run-as-script.ts';
import { runCommand } from './run-command.ts';

const diffBuilds = async (io: StepIo, request: DiffRequest, opened: OpenedStore): Promise<BuildDiff> => {
  const { store, verifier, temp, log, settings, interruption } = opened;
  const { signal } = interruption;
  const { before, after, repository: named } = request;
  const cache = createArtifactCache({ store, verifier, log, signal });
  const where = { arch: settings.ARCH, tree: settings.SLIPWAY_TREE };
  const pair = [await findBuild(cache, before, where), await findBuild(cache, after, where)] as const;
  const runner = createRunner({ cwd: io.cwd, env: io.env, signal });
  const nightlyOrigins = await ofNightlies(settings.SLIPWAY_CACHE_DIR, 'origin.git');
  const reader = createStatementReader({ store, verifier, temp });
  const search = { named, cwd: io.cwd, nightlyOrigins };
  const gitLog = await logBetween(reader, [before, after], { runner, search, temp });
  return compareBuilds(pair, { ...request, log: gitLog }, { cache, runner, log, temp, signal });
};

const main = (io: StepIo): Promise<number> =>
  runCommand(io, io.argv.includes('--json'), async (tools) => {
    const request = parseDiffRequest(io.argv);
    const { line, markdown, html } = request;
    if (line.help || line.version) {
      io.stdout(line.help ? diffHelp() : `slipway ${io.slipwayVersion}\n`);
      return 0;
    }
    const loaded = await loadRequested(io, request);
    tools.openLogFor(line.json, loaded);
    const opened = await tools.openStore({ ...loaded.values, ...(await readingSettings(loaded)) });
    const diff = await diffBuilds(io, request, opened);
    if (html !== undefined) {
      const file = resolve(io.cwd, html);
      await mkdir(dirname(file), { recursive: true });
      await writeFile(file, diffPage(diff, io.slipwayVersion));
    }
    io.stdout(line.json ? `${JSON.stringify(diff, undefined, 2)}\n` : markdown ? diffMarkdown(diff) : diffText(diff));
    return 0;
  });

if (import.meta.main) await runCommandAsScript('diff', main);
