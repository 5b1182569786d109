import { isSlipwayError, slipwayError } from '../errors/index.ts';
import { deriveDockerForm, parseVersionFile, type VersionNumber } from '../version/index.ts';
import { findArtifacts, type Lister } from './artifacts.ts';
import { attempt, type Collecting, listerOf, removePaths } from './collecting.ts';
import { type BuildTag, type BuildVerdict, planBuilds, planPurge } from './plan-builds.ts';
import { readBuildTags, readTags } from './tags.ts';

const decide = async (collecting: Collecting): Promise<readonly BuildVerdict[]> => {
  const { profile, tags, request, now, log } = collecting;
  const rules = profile.builds;
  const known = await readBuildTags(tags, await readTags(tags), rules);
  if (request.purge === undefined) {
    log.info(
      `The ${request.builds.keep} newest builds stay, and all that are younger than ${request.builds.minAgeDays} days.`,
    );
    return planBuilds(known, request.builds, now);
  }
  const { verdicts, unknown } = planPurge(known, request.purge);
  for (const word of unknown) log.warn(`There is no tag ${word}; it may have been purged before.`);
  if (verdicts.length === 0) throw slipwayError('PURGE_NOTHING_FOUND', { words: request.purge });
  return verdicts;
};

const say = (verdicts: readonly BuildVerdict[], { log }: Collecting): void => {
  if (verdicts.length === 0) log.info('There are no development builds.');
  for (const { tag, remove, why } of verdicts) log.info(`${remove ? 'delete' : 'keep'} ${tag.version.text}: ${why}`);
};

/**
 * The version that a tag's own version file has, as data. Undefined, with a word in the log, when it has none that can be trusted: what it says
 * is what will be deleted.
 */
const readBuiltVersion = async (tag: BuildTag, collecting: Collecting): Promise<VersionNumber | undefined> => {
  const { versionFile, tags, log } = collecting;
  const name = tag.version.text;
  const object = tag.remoteObject ?? tag.localObject ?? '';
  const skip = (reason: string): undefined => {
    log.warn(`${name} stays, and nothing is deleted for it: ${reason}.`);
    return undefined;
  };
  const text = await tags.textAt(object, versionFile.path);
  if (text === undefined) return skip(`it has no ${versionFile.path}`);
  try {
    const { os } = parseVersionFile(versionFile.prefix, text, `${name}:${versionFile.path}`);
    if (deriveDockerForm(os.cacheForm) === tag.version.dockerForm) return os;
    return skip(`its ${versionFile.path} is of another version, ${os.cacheForm}`);
  } catch (error) {
    if (!isSlipwayError(error, 'VERSION_FILE_INVALID')) throw error;
    return skip(error.message.replace(/\.$/, ''));
  }
};

/** Deletes a tag on the remote and in this clone. */
const deleteTag = async ({ version, remoteObject, localObject }: BuildTag, { git }: Collecting): Promise<void> => {
  if (remoteObject !== undefined) await git.deleteRemoteTag(version.text, remoteObject);
  if (localObject !== undefined) await git.deleteRef(`refs/tags/${version.text}`, localObject);
};

/** Deletes what a build has in the cache and, when all of that is gone, its tag. */
const purge = async (tag: BuildTag, collecting: Collecting, lister: Lister): Promise<void> => {
  const { profile, log } = collecting;
  const collected = collecting.collected.builds;
  await attempt(collecting, collected, async () => {
    const built = await readBuiltVersion(tag, collecting);
    if (built === undefined) return;
    const paths = await findArtifacts(profile.builds, built, lister);
    log.info(`${tag.version.text}: ${paths.length === 0 ? 'nothing in the cache' : paths.join(' ')}`);
    if (!(await removePaths(collecting, collected, paths))) {
      log.warn(`The tag ${tag.version.text} stays, because not all of the build could be deleted.`);
      return;
    }
    await deleteTag(tag, collecting);
    collected.tags.push(tag.version.text);
  });
};

/** Collects old development builds: what they have in the cache, and their tags. */
export const collectBuilds = async (collecting: Collecting): Promise<void> => {
  const verdicts = await decide(collecting);
  say(verdicts, collecting);
  const condemned = verdicts.filter(({ remove }) => remove);
  if (condemned.length === 0) return;
  const lister = listerOf(collecting);
  // With the wrong folder, or a disk that is not mounted, every tag would go and every artifact would stay.
  if ((await lister.list('')).length === 0) throw slipwayError('CACHE_EMPTY', { location: collecting.store.location });
  for (const { tag } of condemned) await purge(tag, collecting, lister);
};
