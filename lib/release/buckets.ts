import { join } from 'node:path';
import { fill, fillAll } from '../config/index.ts';
import { slipwayError } from '../errors/index.ts';
import { withPrivateFiles } from './private-files.ts';
import type { ReleaseProfile } from './profile.ts';
import type { Release, ReleaseContext } from './types.ts';

type Copy = ReleaseProfile['buckets']['copies'][number];

/** One folder of the cache and where it goes. */
interface FilledCopy {
  readonly what: string;
  readonly source: string;
  readonly target: string;
}

/** For each architecture the copies in their order; those that are made once are among the first architecture's. */
const fillCopies = ({ facts, arches, cacheUrl }: Release, copies: readonly Copy[]): FilledCopy[] =>
  arches.flatMap((arch, at) =>
    copies
      .filter(({ once }) => at === 0 || !once)
      .map(({ what, source, target }) => {
        const all = { ...facts, arch };
        return { what: fill(what, all), source: `${cacheUrl}/${fill(source, all)}`, target: fill(target, all) };
      }),
  );

/**
 * Copies folders of the artifact cache to buckets. Each one is tried, whatever became of the others.
 *
 * @throws RELEASE_COPIES_FAILED at the end, with those that failed
 */
const copyToBuckets = async (context: ReleaseContext, release: Release, copies: readonly Copy[]): Promise<void> => {
  const { needs, settings, image, command } = release.profile.buckets;
  const own = release.credentials.of(needs);
  const failed: { what: string; reason: string }[] = [];
  const wanted = fillCopies(release, copies);
  await withPrivateFiles(context, own, async (folder) => {
    const mount = `${join(folder, settings.credential)}:${settings.mount}:ro`;
    const call = [...context.engine.command, 'run', '--rm', '--net', 'host', '-v', mount, image] as const;
    for (const { what, source, target } of wanted) {
      context.log.info(`Copy ${what}: ${source} to ${target}`);
      try {
        await context.effects.run([...(call as unknown as [string]), ...fillAll(command, { source, target })]);
      } catch (error) {
        if (context.signal.aborted) throw error;
        failed.push({ what, reason: error instanceof Error ? error.message : String(error) });
        context.log.warn(`The copy of ${what} failed; the others go on.`);
      }
    }
  });
  if (failed.length > 0) throw slipwayError('RELEASE_COPIES_FAILED', { failed, total: wanted.length });
};

/** Copies images, packages and containers of the version. */
export const copyRelease = (context: ReleaseContext, release: Release): Promise<void> =>
  copyToBuckets(context, release, release.profile.buckets.copies);

/** Copies the SDK tarballs. The SDK is made on one architecture, so there is one set. */
export const copySdk = (context: ReleaseContext, release: Release): Promise<void> =>
  copyToBuckets(context, { ...release, arches: release.arches.slice(0, 1) }, release.profile.buckets.sdkCopies);
