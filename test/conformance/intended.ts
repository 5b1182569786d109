import type { Difference } from '../helpers/conformance-compare.ts';

/** A difference that is meant to be. */
export interface Intended {
  /** Why it is better, and the defect of the original (docs/flatcar-compat.md) that it goes with. */
  readonly why: string;
  /** In any scenario, without being named there; it must still occur in one. */
  readonly everywhere?: boolean;
  readonly matches: (difference: Difference) => boolean;
}

const onlyIn = (side: 'bash' | 'slipway', name: RegExp) => (difference: Difference) =>
  name.test(difference.name) &&
  difference[side] !== undefined &&
  difference[side === 'bash' ? 'slipway' : 'bash'] === undefined;

const exitBecomes = (code: string) => (difference: Difference) =>
  difference.name.startsWith('exit ') && difference.slipway === code && difference.bash !== '0';

/** Every difference between the original and ours that the scenarios show. */
export const INTENDED: Readonly<Record<string, Intended>> = {
  'push_pkgs: publishes from the host': {
    why: 'The original signs and uploads inside the container without looking at errors, and publishes whatever folder it is in (18).',
    matches: ({ name, bash = '', slipway = '' }) =>
      name.startsWith('call:') &&
      bash.includes('source\\ ci-automation/push_pkgs.sh') &&
      slipway.includes(' cp -a /build/'),
  },
  'push_pkgs: one cleanup line': {
    why: 'The original writes the line for the container twice (44).',
    matches: (difference) =>
      onlyIn('bash', /^cleanup:/)(difference) && difference.bash?.includes("'flatcar-packages-publisher-") === true,
  },
  'push_pkgs: applies the patch': {
    why: 'The original publishes packages of the unpatched tree (19).',
    matches: ({ name, slipway = '' }) => name === 'clone:HEAD' && slipway.includes('Flatcar Buildbot'),
  },
  'push_pkgs: names the version': {
    why: 'With the patch on top no tag names the commit, so run_sdk_container has to be told the version, as in the other steps (20).',
    matches: ({ name, bash = '', slipway = '' }) =>
      name.startsWith('call:') && bash.includes('./build_dev_binpkgs') && slipway.replace(/ -v \S+/, '') === bash,
  },
  'cache: a place for staging': {
    why: 'Files are uploaded there and moved into place whole, so that no reader sees half of one (40).',
    everywhere: true,
    matches: onlyIn('slipway', /^cache:\.staging$/),
  },
  'cache: statements on what was made': {
    why: 'Each step says, signed, what it made of what (docs/provenance.md), in a folder that the original never looks at.',
    everywhere: true,
    matches: onlyIn('slipway', /^cache:provenance(\/|$)/),
  },
  'workspace: no copies of what was published': {
    why: 'The original leaves what it uploaded in the checkout, and chokes on it when it is run again (25, 44).',
    matches: onlyIn('bash', /^workspace:flatcar-(packages|sdk)-\w+-9/),
  },
  'vms: the other formats': {
    why: 'A format that fails does not take the others with it (26).',
    matches: ({ name, bash, slipway = '' }) =>
      bash === undefined
        ? /^(call:|cache:images\/|environment:)/.test(name)
        : name.startsWith('environment:') && slipway.startsWith(bash),
  },
  'patch: not half applied': {
    why: 'The original leaves the conflict and the open `git am` in the checkout, so that the next attempt fails too (28).',
    matches: (difference) => onlyIn('bash', /^workspace:build_image$/)(difference),
  },
  'clone: no commit that nobody wants': {
    why: 'Where the tag is there already, the original leaves the commit that it made before it looked on the local branch (21).',
    matches: ({ name }) => name === 'clone:refs/heads/main',
  },
  'published already: not built again': {
    why: 'The original builds for hours and replaces what readers may have taken; what is published does not change (docs/adr/0025).',
    matches: (difference) => {
      const { name, bash = '', slipway = '' } = difference;
      const isMore = slipway.split(/[ \n]/).every((word) => bash.includes(word));
      return (
        onlyIn('bash', /^(call|cleanup|workspace):/)(difference) || (/^(environment|engine):/.test(name) && isMore)
      );
    },
  },
  'exit code: 1 for a failure': {
    why: 'A failed step ends with 1; the original passes on the status of whatever program failed.',
    matches: exitBecomes('1'),
  },
  'exit code: 2 for wrong use': { why: 'Wrong use is told apart from a failed build.', matches: exitBecomes('2') },
  'nothing of a version that is refused': {
    why: 'The original writes and commits the version before git refuses the tag (35).',
    matches: ({ name }) => /^(clone:(HEAD|refs\/heads\/main|user|version file)|workspace:)/.test(name),
  },
};
