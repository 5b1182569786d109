import { deriveCacheForm } from '../version/index.ts';
import { type Collecting, listerOf, removePaths } from './collecting.ts';
import { planPrSdks } from './plan-pr-sdks.ts';

/** Collects SDK images that were made for pull requests. */
export const collectPrSdks = async (collecting: Collecting): Promise<void> => {
  const { profile, request, now, log } = collecting;
  const rules = profile.prSdks;
  if (!rules) {
    log.info('This tree has no SDK images of pull requests.');
    return;
  }
  const { keep, minAgeDays } = request.prSdks;
  log.info(`The ${keep} newest SDK images of pull requests stay, and all that are younger than ${minAgeDays} days.`);
  const lister = listerOf(collecting);
  const verdicts = planPrSdks(await lister.list(rules.folder), request.prSdks, now);
  for (const { name, remove, why } of verdicts)
    log.info(`${remove ? 'delete' : 'keep'} ${rules.folder}/${name}: ${why}`);
  const condemned = verdicts.filter(({ remove }) => remove).map(({ name }) => name);
  const stated = await lister.list(rules.statements);
  const statements = condemned.map(deriveCacheForm).filter((name) => stated.includes(name));
  const paths = [
    ...condemned.map((name) => `${rules.folder}/${name}`),
    ...statements.map((name) => `${rules.statements}/${name}`),
  ];
  await removePaths(collecting, collecting.collected['pr-sdks'], paths);
};
