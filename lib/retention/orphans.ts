import { slipwayError } from '../errors/index.ts';
import { type Collecting, listerOf, removePaths } from './collecting.ts';
import { planOrphans } from './plan-orphans.ts';
import { readTags, tagNames } from './tags.ts';

/** Collects what no tag stands for. */
export const collectOrphans = async (collecting: Collecting): Promise<void> => {
  const { profile, tags, log, maxSharePercent, yesReally } = collecting;
  const { folders, names, except } = profile.orphans;
  const lister = listerOf(collecting);
  const listings = [];
  for (const folder of folders) listings.push({ folder, names: await lister.list(folder) });
  // Now, and not before the listings: a build pushes its tag before it publishes anything.
  const purged = new Set(collecting.collected.builds.tags);
  const known = tagNames(await readTags(tags)).filter((tag) => !purged.has(tag));
  const plan = planOrphans(listings, known, { names, except, maxSharePercent });
  log.info(`${plan.kept} names in the cache have a tag; ${plan.remove.length} have none.`);
  for (const path of plan.leftAlone) log.info(`leave ${path}: not for this collector`);
  for (const path of plan.remove) log.info(`delete ${path}: no tag`);
  if (plan.doubts.length > 0 && !yesReally) {
    throw slipwayError('ORPHANS_DOUBTFUL', { doubts: plan.doubts, remove: plan.remove });
  }
  for (const doubt of plan.doubts) log.warn(`${doubt}, and is deleted because of --yes-really`);
  await removePaths(collecting, collecting.collected.orphans, plan.remove);
};
