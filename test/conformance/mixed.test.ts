import { expect, test } from '@jest/globals';
import { type Account, accountOf, differencesOf, differencesText } from '../helpers/conformance-compare.ts';
import { describeWithOriginal } from '../helpers/conformance-original.ts';
import { useStage } from '../helpers/conformance-stage.ts';
import type { Side, StepWords } from '../helpers/conformance-step.ts';

const TAG = 'main-9001.0.0-mixed';
const PIPELINE: readonly StepWords[] = [
  ['sdk_bootstrap', '8000.0.0', TAG],
  ['sdk_container'],
  ['packages', 'amd64'],
  ['image', 'amd64'],
  ['vms', 'amd64', 'azure', 'openstack'],
  ['push_pkgs', 'amd64'],
];
/** What the pipeline leaves for others: in git and on the cache. Calls and workspaces are compared step by step elsewhere. */
const SHARED = /^(origin|cache):/;
/** Of these ours has more (intended.ts). */
const OURS = /^cache:(\.staging$|provenance(\/|$))/;

describeWithOriginal('a pipeline of both, step by step', () => {
  const stage = useStage();

  const play = async (sides: readonly Side[], elsewhere: boolean): Promise<Account> => {
    const world = stage.open('small-original');
    world.offerSdk('all', '8000.0.0');
    for (const [at, [step, ...args]] of PIPELINE.entries()) {
      if (elsewhere && at > 0) world.nextMachine(TAG);
      const side = sides[at % sides.length] ?? 'bash';
      const end = await world.run(side, step, args, world.signing);
      if (end.exitCode !== 0)
        throw new Error(`${side} ${step} ended with ${end.exitCode}:\n${end.stdout}${end.stderr}`);
    }
    const entries = Object.entries(accountOf(world));
    return Object.fromEntries(entries.filter(([name]) => SHARED.test(name) && !OURS.test(name)));
  };

  let pure: Account = {};

  test('bash alone', async () => {
    pure = await play(['bash'], true);
    expect(Object.keys(pure).length).toBeGreaterThan(100);
  }, 120_000);

  test.each<[string, readonly Side[], boolean]>([
    ['ours first, each on another machine', ['slipway', 'bash'], true],
    ['bash first, each on another machine', ['bash', 'slipway'], true],
    ['ours first, all in one workspace', ['slipway', 'bash'], false],
    ['bash first, all in one workspace', ['bash', 'slipway'], false],
    ['two and two', ['bash', 'bash', 'slipway', 'slipway'], true],
  ])(
    '%s: leaves what bash alone leaves',
    async (_, sides, elsewhere) => {
      const mixed = await play(sides, elsewhere);
      expect(differencesText(differencesOf(pure, mixed))).toBe('');
    },
    120_000,
  );
});
