import { expect, test } from '@jest/globals';
import { describeWithOriginal } from '../../helpers/conformance-original.ts';
import { useStage } from '../../helpers/conformance-stage.ts';
import type { Side } from '../../helpers/conformance-step.ts';
import { type ReleaseWorld, useReleases } from '../../helpers/release-world.ts';
import { listTree } from '../../helpers/temp-files.ts';

const stage = useStage();
const releases = useReleases(stage);
const VERSION = '4500.0.0';

/** Where a credential is in the container differs; what is in it must not. */
const withoutPlaces = (text: string): string =>
  text.replaceAll(/=\/(?:proc\/\d+\/fd\/\d+|run\/slipway-credentials\/\w+)/g, '=FILE');

/** What a release leaves in the tree, in the cache and with the image publisher. */
const accountOf = ({ world, recorded }: ReleaseWorld) => {
  const templates = ['', '-arm64'].map((arch) => `tree/cloudformation-files/flatcar-alpha${arch}-hvm.template`);
  // Only ours says what it made of what.
  const published = listTree(world.cache).filter((path) => !path.startsWith('provenance/'));
  const regions = templates.map((file) => (JSON.parse(world.read(file)) as { Mappings: unknown }).Mappings);
  return {
    recorded: withoutPlaces(recorded()).split('\n'),
    cache: published,
    digests: published.filter((path) => path.endsWith('.DIGESTS')).map((path) => world.read(`cache/${path}`)),
    regions,
    templates: listTree(`${world.tree}/cloudformation-files`),
    cleanup: world.read('tree/ci-cleanup.sh'),
  };
};

const run = async (side: Side) => {
  const release = await releases.open(VERSION, '4490.0.0', 'small-original');
  const words = side === 'bash' ? [] : ['publish-images'];
  const env = { ...release.env, USER: stage.sshd.user };
  const end = await release.world.run(side, 'release', words, env);
  if (end.exitCode !== 0) throw new Error(`${side}: ${end.exitCode}\n${end.stdout}\n${end.stderr}`);
  return accountOf(release);
};

describeWithOriginal('a release by the original and one by ours', () => {
  test('run the same commands with the same credentials and leave the same lists, templates and cleanup', async () => {
    const bash = await run('bash');
    const slipway = await run('slipway');
    // The original signs the digests of these lists only in the text, those of all else also beside it; ours does both for all.
    const more = slipway.cache.filter((path) => !bash.cache.includes(path));
    expect(more.map((path) => path.replace(/.*flatcar_production_ami/, '...'))).toEqual(
      Array.from({ length: 2 }, () => ['..._all.json.DIGESTS.sig', '..._hvm_eu-central-1.txt.DIGESTS.sig']).flat(),
    );
    expect({ ...slipway, cache: slipway.cache.filter((path) => !more.includes(path)) }).toEqual(bash);
    expect(bash.recorded.length).toBeGreaterThan(20);
  }, 180_000);
});
