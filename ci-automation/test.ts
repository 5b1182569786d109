#!/usr/bin/env -S sh -c 'exec "$(dirname "$(readlink -f "$0")")/../lib/setup/run-step.sh" "$0" "$@"'
/**
 * Tests a published image: runs the tests that the tree brings along, or boots the image in QEMU and runs named checks on it.
 *
 * Needs: a checkout of the tag whose images are in the cache.
 */
import { join } from 'node:path';
import { fill, nearest } from '../lib/config/index.ts';
import { slipwayError } from '../lib/errors/index.ts';
import { waitForAll } from '../lib/process/index.ts';
import type { Arch } from '../lib/qemu/index.ts';
import {
  type BuildFacts,
  defineStep,
  readBuildFacts,
  requireArch,
  requireCount,
  runOwnTests,
  type StepContext,
  type StepSummary,
} from '../lib/step/index.ts';
import { type ImageTestOutcome, planChecks, runImageTests } from '../lib/testing/index.ts';
import type { BootTests, TreeDescription } from '../lib/tree/index.ts';
import { runAsScript } from './run-as-script.ts';

/** Which tests a tree has. */
const hasOwnTests = (test: TreeDescription['test']): test is Exclude<TreeDescription['test'], BootTests> =>
  'vendorScripts' in test;

const requireFormat = ({ test }: TreeDescription, format: string): string => {
  // Which scripts a tree has is known when it is looked into; the name must be one of a file.
  const known = hasOwnTests(test) ? [] : Object.keys(test.images);
  if (hasOwnTests(test) && /^\w[\w.-]*$/.test(format)) return format;
  if (known.includes(format)) return format;
  throw slipwayError('FORMAT_UNKNOWN', { format, known, nearest: nearest(format, known) });
};

/** Fetches a published file, verified, and unpacks it if it is compressed. */
const fetchFile = async (context: StepContext, facts: BuildFacts, name: string): Promise<string> => {
  const fetched = await context.cache.fetch(`images/${facts.arch}/${facts.version}/${name}`, context.temp);
  context.inputs.push({ path: fetched.path, sizeBytes: fetched.sizeBytes, sha256: fetched.sha256 });
  if (!name.endsWith('.zst')) return fetched.file;
  await context.effects.run(['zstd', '-d', '-q', '--rm', '-f', fetched.file]);
  return fetched.file.slice(0, -'.zst'.length);
};

const expectedOf = ({ expected }: BootTests, facts: BuildFacts): BootTests['expected'] => {
  const osRelease = Object.entries(expected.osRelease).map(([name, value]) => [name, fill(value, facts)]);
  return { ...expected, osRelease: Object.fromEntries(osRelease) as Record<string, string> };
};

const publishResults = async (context: StepContext, folder: string, outcome: ImageTestOutcome): Promise<void> => {
  if (context.settings.SKIP_COPY_TO_BINCACHE) return;
  const { tap, junit, markdown, runs, consoles } = outcome.files;
  const files = [tap, junit, markdown, ...runs, ...consoles];
  context.outputs.push(...(await context.cache.publish({ folder, files, digests: false, replace: true })));
};

/** Boots the image and runs our own checks on it. */
const runChecks = async (
  context: StepContext,
  tests: BootTests,
  { arch, format, patterns }: { arch: string; format: string; patterns: readonly string[] },
): Promise<StepSummary | undefined> => {
  const { tree, log, settings, workspace } = context;
  const facts = await readBuildFacts(context, arch);
  const image = tests.images[format];
  if (!image) throw new Error(`no image for ${format}`);
  const checks = await planChecks({ patterns, format });
  if (context.plan) {
    log.emit({ kind: 'planned', effect: `boot ${image.file} and run ${checks.map(({ name }) => name).join(', ')}` });
    return undefined;
  }
  const [file, kernelFile] = await log.phase('fetch the image', () =>
    waitForAll([fetchFile(context, facts, image.file), fetchFile(context, facts, tree.image.kernel)]),
  );
  const outcome = await runImageTests({
    media: image.kind === 'cdrom' ? { kind: 'cdrom', file } : { kind: 'disk', file, format: image.format },
    format,
    arch: arch as Arch,
    version: facts.version,
    profile: { ...tests.boot, firmware: image.firmware ?? tests.boot.firmware },
    expected: expectedOf(tests, facts),
    kernelFile,
    patterns,
    maxRetries: settings.MAX_RETRIES,
    workFolder: workspace.resolve(join(settings.TEST_WORK_DIR, format)),
    stateFolder: settings.SLIPWAY_CACHE_DIR,
    runner: context.effects,
    log,
    signal: context.signal,
  });
  await publishResults(context, `testing/${facts.version}/${arch}/${format}`, outcome);
  const { passed, failed, skipped, flaky, attempts } = outcome;
  log.info(`${passed.length} passed, ${failed.length} failed, ${skipped.length} skipped in ${attempts} run(s)`);
  if (failed.length > 0) {
    const total = outcome.cases.length;
    throw slipwayError('TESTS_FAILED', { failed, total, runs: attempts, report: outcome.files.tap });
  }
  return { version: facts.version, passed, skipped, flaky, attempts };
};

export const test = defineStep({
  name: 'test',
  summary: 'tests a published image',
  usage: 'ARCH IMAGE [TEST...]',
  argumentsHelp: [
    'ARCH     architecture of the OS, for example amd64',
    'IMAGE    format or platform to test; an unknown one prints the list of those that can be tested',
    "TEST     names or patterns such as 'usr.*'; default all",
  ],
  reads: 'images/ARCH/VERSION/: what the tests of the format need',
  writes: 'testing/VERSION/ARCH/IMAGE/: results as TAP, JUnit and Markdown, logs',
  parse(positionals, { tree }) {
    requireCount(this, positionals, 2);
    const [arch = '', format = '', ...patterns] = positionals;
    return { arch: requireArch(tree, arch), format: requireFormat(tree, format), patterns };
  },
  async run(context, { arch, format, patterns }) {
    const { test: tests } = context.tree;
    if (hasOwnTests(tests)) return runOwnTests(context, tests.vendorScripts, { arch, vendor: format, tests: patterns });
    return runChecks(context, tests, { arch, format, patterns });
  },
});

if (import.meta.main) await runAsScript(test);
