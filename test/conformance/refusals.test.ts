import { describe, expect, test } from '@jest/globals';
import { accountOf } from '../helpers/conformance-compare.ts';
import { useStage } from '../helpers/conformance-stage.ts';
import type { StepWords } from '../helpers/conformance-step.ts';
import { errorCode, mustRun, run } from './own-run.ts';

const stage = useStage();

describe('a step that is called wrongly', () => {
  const calls: readonly StepWords[] = [
    ['packages_tag', 'nonsense'],
    ['packages_tag', 'main-1.2.3-$(touch x)'],
    ['packages_tag', 'main-1.2.3-a b'],
    ['packages_tag', 'main-1.2.3-../../x'],
    ['packages_tag', 'main-1.2.3-x\nalpha-1.2.3-y'],
    ['sdk_bootstrap', '1.0.0', 'edge-1.2.3'],
    ['sdk_bootstrap', '1.0.0'],
    ['packages', 'mips'],
    ['packages'],
    ['image', 'amd64', 'arm64'],
    ['vms', 'amd64'],
    ['vms', 'amd64', 'azzure'],
    ['push_pkgs'],
  ];

  test('ends with 2 and changes nothing', async () => {
    const world = stage.open();
    const before = accountOf(world);
    for (const words of calls) expect([words, (await run(world, words)).exitCode]).toEqual([words, 2]);
    expect(accountOf(world)).toEqual(before);
  }, 60_000);

  test('with only one of SIGNER and SIGNING_KEY is refused, not left unsigned (defect 24)', async () => {
    const world = stage.open();
    world.offerSdk('amd64', '9000.0.0');
    await mustRun(world, ['packages_tag', 'alpha-9000.1.0-r']);
    const { SIGNER, SIGNING_KEY } = world.signing;
    for (const env of [{ SIGNER }, { SIGNING_KEY }]) {
      expect((await run(world, ['packages', 'amd64'], env)).exitCode).toBe(2);
    }
    expect(world.filesInCache()).toEqual([]);
    expect(world.read('calls')).toBe('');
  }, 60_000);

  test('whose version file is code is refused, and the code is not run (defect 35)', async () => {
    const world = stage.open();
    const file = 'tree/sdk_container/.repo/manifests/version.txt';
    world.write(file, world.read(file).replace(/^FLATCAR_VERSION=.*$/m, 'FLATCAR_VERSION=1.2.3+$(touch${IFS}ran)'));
    const end = await run(world, ['image', 'amd64']);
    expect([end.exitCode, errorCode(end)]).toEqual([expect.any(Number), 'VERSION_FILE_INVALID']);
    expect(end.exitCode).not.toBe(0);
    expect(world.exists('tree/ran')).toBe(false);
  }, 60_000);
});
