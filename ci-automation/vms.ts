#!/usr/bin/env -S sh -c 'exec "$(dirname "$(readlink -f "$0")")/../lib/setup/run-step.sh" "$0" "$@"'
/**
 * Makes vendor images from the generic image, several at a time; a format that fails does not take the others with it.
 *
 * Needs: a checkout of the tag whose packages image and generic image are in the cache.
 */
import { basename, join } from 'node:path';
import { fill, fillAll } from '../lib/config/index.ts';
import { SlipwayError, slipwayError } from '../lib/errors/index.ts';
import { inParallel, waitForAll } from '../lib/process/index.ts';
import {
  applyTreePatch,
  type BuildFacts,
  defineStep,
  expandFormats,
  fetchPackagesImage,
  findPublished,
  getParallelism,
  officialEnv,
  readBuildFacts,
  removeLeftovers,
  requireArch,
  requireCount,
  runInSdk,
  type SdkContainer,
  type StepContext,
  sayPublished,
} from '../lib/step/index.ts';
import { readTreeList } from '../lib/tree/index.ts';
import { runAsScript } from './run-as-script.ts';

const INPUT = 'images-in';
const OUTPUT = 'images';
const LATEST = join(OUTPUT, 'latest');
const LATEST_INPUT = join(OUTPUT, 'latest-input');

/** A few at a time hide the round trips. */
const FETCHES_AT_ONCE = 4;

/** Names of the inputs, those that stand for one file per item of a list spelled out. */
const inputNames = async ({ root, tree }: StepContext, facts: BuildFacts): Promise<string[]> => {
  const { inputs, inputsFor } = tree.vms;
  const items = inputsFor === undefined ? [] : await readTreeList(root, tree, inputsFor, facts.arch);
  return inputs.flatMap((input) =>
    input.includes('${item}') ? items.map((item) => fill(input, { ...facts, item })) : [fill(input, facts)],
  );
};

const fetchInputs = async (context: StepContext, facts: BuildFacts): Promise<void> => {
  const { tree, workspace, cache } = context;
  const names = await inputNames(context, facts);
  await removeLeftovers(context, INPUT);
  await workspace.makeFolder(INPUT);
  const records = await inParallel(names, FETCHES_AT_ONCE, (name) =>
    cache.fetch(`images/${facts.arch}/${facts.version}/${name}`, workspace.resolve(INPUT)),
  );
  context.inputs.push(...records.map(({ path, sizeBytes, sha256 }) => ({ path, sizeBytes, sha256 })));
  const [program = '', ...rest] = fillAll(tree.vms.decompress, facts);
  await context.effects.run([program, ...rest]);
};

/** A format and, if it could not be made, why. */
interface Made {
  readonly format: string;
  readonly error?: unknown;
}

/** With the last lines of the command: where several formats are made at once they are hard to find in the log. */
const reasonOf = ({ format, error }: Made): string => {
  const hint = error instanceof SlipwayError ? (error.hint ?? '') : '';
  const lines = hint.split('\n').filter((line) => line !== '');
  const reason = `${format}: ${error instanceof Error ? error.message : String(error)}`;
  return [reason, ...lines.map((line) => `  ${line}`)].join('\n');
};

/** Makes one format; the error is kept so that the other formats go on. */
const makeFormat = async (
  context: StepContext,
  container: SdkContainer,
  { arch, root }: { arch: string; root: string },
  format: string,
): Promise<Made> => {
  const compression = context.tree.vms.formats[format]?.compression ?? '';
  try {
    await context.log.phase(`make ${format}`, () =>
      runInSdk(context, container, [
        './image_to_vm.sh',
        '--format',
        format,
        `--board=${arch}-usr`,
        '--from',
        `${root}/latest-input`,
        '--to',
        `${root}/latest`,
        `--image_compression_formats=${compression}`,
        '--only_store_compressed',
      ]),
    );
    return { format };
  } catch (error) {
    if (context.signal.aborted) throw error;
    return { format, error };
  }
};

const makeAll = async (
  context: StepContext,
  facts: BuildFacts,
  reference: string,
  formats: readonly string[],
): Promise<Made[]> => {
  const { tree, engine } = context;
  const root = `${tree.image.root}/${facts.arch}-usr`;
  const container: SdkContainer = {
    name: fill(tree.vms.container, facts),
    image: reference,
    version: facts.version,
    env: officialEnv(tree, facts),
    leftovers: `${tree.image.hostRoot}/${facts.arch}-usr`,
  };
  await runInSdk(context, { ...container, cleanup: true }, ['mkdir', '-p', `${root}/latest`]);
  await runInSdk(context, container, ['mv', `${INPUT}/`, `${root}/latest-input`]);
  const atOnce = await getParallelism(context, formats.length);
  // Started once for all: the commands then share the container, and none stops it under the others.
  if (atOnce > 1) await engine.startContainer(container.name);
  context.log.info(`${formats.length} formats, ${atOnce} at a time`);
  const made = await inParallel(formats, atOnce, (format) =>
    makeFormat(context, container, { arch: facts.arch, root }, format),
  );
  if (atOnce > 1) await engine.stopContainer(container.name);
  await removeLeftovers(context, OUTPUT);
  await runInSdk(context, container, ['mv', `${root}/`, './images//']);
  return made;
};

/** Links to inputs are digested through what they point to, which lies elsewhere and is published already. */
const publish = async (context: StepContext, facts: BuildFacts): Promise<void> => {
  const { tree, workspace, cache, outputs } = context;
  const folder = `images/${facts.arch}/${facts.version}`;
  const { links, besideForDigests: beside } = tree.vms;
  for (const [name, target] of Object.entries(links)) await workspace.link(join(LATEST, name), target);
  for (const name of beside) await workspace.move(join(LATEST_INPUT, name), join(LATEST, name));
  try {
    outputs.push(...(await cache.publish({ folder, files: [workspace.resolve(LATEST)], leaveOut: beside })));
  } finally {
    for (const name of beside) await workspace.move(join(LATEST, name), join(LATEST_INPUT, name));
  }
};

/** Names of what is there now: what this run made, and what an earlier one did. */
const filesOf = ({ outputs, published }: StepContext): string[] =>
  [...outputs, ...published].map(({ path }) => basename(path));

export const vms = defineStep({
  name: 'vms',
  summary: 'makes vendor images from the generic image',
  usage: 'ARCH FORMAT...',
  argumentsHelp: [
    'ARCH     architecture of the OS, for example amd64',
    'FORMAT   one or more formats; an unknown one prints the list of those that the tree knows',
  ],
  reads: 'the packages container image (containers/) and the generic image (images/ARCH/VERSION/)',
  writes: 'images/ARCH/VERSION/: one or more files per format',
  parse(positionals, { tree }) {
    requireCount(this, positionals, 2);
    const [arch = '', ...words] = positionals;
    return { arch: requireArch(tree, arch), ...expandFormats(tree, words) };
  },
  async run(context, { arch, formats, skipped }) {
    const { log } = context;
    for (const name of skipped) log.info(`${name} is for the test step only; nothing is made for it here.`);
    const facts = await readBuildFacts(context, arch);
    const published = await findPublished(context, { version: facts.version, arch });
    const missing = formats.filter((format) => !published.formats.has(format));
    const there = formats.filter((format) => published.formats.has(format));
    const before = published.ofFormats(there);
    if (missing.length === 0) return { ...sayPublished(context, facts, before), formats };
    if (there.length > 0) log.info(`Published already, and not made again: ${there.join(', ')}`);
    context.published.push(...before);
    const packages = await log.phase('fetch the packages and the image', async () => {
      const [image] = await waitForAll([fetchPackagesImage(context, facts), fetchInputs(context, facts)]);
      return image;
    });
    await applyTreePatch(context);
    const made = await log.phase('make the vendor images', () => makeAll(context, facts, packages, missing));
    const failed = made.filter(({ error }) => error !== undefined);
    context.made.push(...made.filter((one) => !failed.includes(one)).map(({ format }) => format));
    await log.phase('publish the vendor images', () => publish(context, facts));
    if (failed.length > 0) {
      throw slipwayError('FORMATS_FAILED', {
        failed: failed.map(({ format }) => format),
        made: made.filter(({ error }) => error === undefined).map(({ format }) => format),
        reasons: failed.map(reasonOf),
      });
    }
    return { version: facts.version, formats, files: filesOf(context) };
  },
});

if (import.meta.main) await runAsScript(vms);
