import { type Collecting, listerOf, removePaths } from './collecting.ts';
import { readFeed } from './feed.ts';
import { chooseReleases, parseFeed, parseRelease, type Release, whyReleaseStays } from './plan-releases.ts';

/** What becomes of one version in one folder. */
const judge = (
  folder: string,
  name: string,
  stays: readonly Release[],
  holdsSdk: boolean,
  { log }: Collecting,
): string[] => {
  const version = parseRelease(name);
  if (version === undefined) return [];
  const why = whyReleaseStays(version, stays, holdsSdk);
  log.info(why === undefined ? `delete ${folder}/${name}: an old release` : `keep ${folder}/${name}: ${why}`);
  return why === undefined ? [`${folder}/${name}`] : [];
};

/** Collects the artifacts of old releases; they have been copied to where releases are kept. */
export const collectReleases = async (collecting: Collecting): Promise<void> => {
  const { profile, request, log, signal } = collecting;
  const rules = profile.releases;
  if (!rules) {
    log.info('This tree has no list of releases: none is deleted.');
    return;
  }
  const feed = collecting.feed || rules.feed;
  const stays = chooseReleases(parseFeed(await readFeed(feed, { log, signal }), feed), request.releases);
  log.info(`Releases that stay: ${stays.map(({ text }) => text).join(' ')}`);
  const lister = listerOf(collecting);
  const condemned: string[] = [];
  for (const folder of [...rules.folders, ...(request.releases.withLogs ? rules.logFolders : [])]) {
    const holdsSdk = rules.sdkFolders.includes(folder) || rules.logFolders.includes(folder);
    const names = await lister.list(folder);
    condemned.push(...names.flatMap((name) => judge(folder, name, stays, holdsSdk, collecting)));
  }
  await removePaths(collecting, collecting.collected.releases, condemned);
};
