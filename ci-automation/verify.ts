#!/usr/bin/env -S sh -c 'exec "$(dirname "$(readlink -f "$0")")/../lib/setup/run-step.sh" "$0" "$@"'
/**
 * Walks from what is in the cache back to the git tag that it was built from, and prints the chain.
 *
 * Needs: a checkout of the OS tree whose remote has the tag.
 */
import { join } from 'node:path';
import { slipwayError } from '../lib/errors/index.ts';
import { createTagReader } from '../lib/git/index.ts';
import {
  type ChainLink,
  createChainWalker,
  createSourceCheck,
  createStatementReader,
  faultsIn,
  showChain,
  verifyVersion,
} from '../lib/provenance/index.ts';
import { listArtifacts } from '../lib/retention/index.ts';
import { defineStep, expandFormats, requireArch, requireCount, type StepContext } from '../lib/step/index.ts';
import { parseVersionNumber, type VersionNumber } from '../lib/version/index.ts';
import { runAsScript } from './run-as-script.ts';

interface VerifyArguments {
  readonly version: VersionNumber;
  readonly arch: string | undefined;
  readonly formats: readonly string[] | undefined;
}

const walk = async (
  context: StepContext,
  { version, arch, formats }: VerifyArguments,
): Promise<readonly ChainLink[]> => {
  const { tree, git, query, reading: store, verifier, temp, flags, signal } = context;
  const tags = createTagReader({ git, query, objects: join(temp, 'objects') });
  const reader = createStatementReader({ store, verifier, temp });
  return verifyVersion(
    { version: version.cacheForm, arch, formats },
    {
      store,
      reader,
      walker: createChainWalker(reader, createSourceCheck({ git, tags, verifier, temp })),
      knownFormats: Object.keys(tree.vms.formats),
      stored: await listArtifacts(tree.garbage.builds, version, store),
      quick: flags['--quick'] !== undefined,
      temp,
      signal,
    },
  );
};

const describe = ({ version, arch, formats }: VerifyArguments): string =>
  [version.cacheForm, arch && `for ${arch}`, formats && `as ${formats.join(', ')}`].filter(Boolean).join(' ');

/** Says how it went, by the exit code: gaps count where keys are trusted, because whoever can delete a statement can make one. */
const judge = (context: StepContext, args: VerifyArguments, chains: readonly ChainLink[]): void => {
  const { verifier, log, flags, reading } = context;
  const version = args.version.cacheForm;
  if (chains.length === 0) {
    throw slipwayError('PROVENANCE_NOTHING', { what: describe(args), location: reading.location });
  }
  const faults = faultsIn(chains, 'broken');
  if (faults.length > 0) throw slipwayError('PROVENANCE_BROKEN', { version, faults });
  const gaps = faultsIn(chains, 'gap');
  if (gaps.length > 0 && verifier && flags['--allow-gaps'] === undefined) {
    throw slipwayError('PROVENANCE_GAP', { version, trustedKeys: verifier.trustedKeys, gaps });
  }
  for (const gap of gaps) log.warn(`Not known all the way: ${gap}.`);
};

export const verify = defineStep<VerifyArguments>({
  name: 'verify',
  summary: 'walks from what is in the cache back to the git tag that it was built from',
  usage: 'VERSION',
  argumentsHelp: [
    'VERSION   a version of the OS or of its SDK, with or without channel, for example main-4799.0.0-nightly-20260821-2100',
    'The chain is printed as a tree, one line per link; with --json as one line of JSON. A link that does not hold: exit code 3.',
  ],
  reads: 'provenance/ and the artifacts of VERSION in the cache; the tag on the remote',
  writes: 'nothing',
  ownFlags: [
    { flag: '--image', value: 'FORMAT', help: 'Only the vendor images of this format, for example qemu_uefi' },
    { flag: '--arch', value: 'ARCH', help: 'Only what is for this architecture' },
    { flag: '--quick', help: 'Fetch no artifact whose .DIGESTS can be compared with what is stated' },
    { flag: '--allow-gaps', help: 'With TRUSTED_KEYS: a link that nobody states is only said' },
  ],
  usesEngine: () => false,
  parse(positionals, { tree, flags }) {
    requireCount(this, positionals, 1, 1);
    const { '--image': format, '--arch': arch } = flags;
    return {
      version: parseVersionNumber(positionals[0] ?? ''),
      arch: arch === undefined ? undefined : requireArch(tree, arch),
      formats: format === undefined ? undefined : expandFormats(tree, [format]).formats,
    };
  },
  async run(context, args) {
    const chains = await walk(context, args);
    const lines = context.json ? [JSON.stringify({ version: args.version.cacheForm, chains })] : showChain(chains);
    if (chains.length > 0) context.print(`${lines.join('\n')}\n`);
    judge(context, args, chains);
    return { version: args.version.cacheForm, artifacts: chains.length, gaps: faultsIn(chains, 'gap') };
  },
});

if (import.meta.main) await runAsScript(verify);
