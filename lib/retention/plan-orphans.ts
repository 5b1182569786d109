import { deriveCacheForm, deriveDockerForm, isOfficialNumber } from '../version/index.ts';

/** Three numbers and what follows, at the end of a tag of an older convention such as `v2234.99.0` or `lts-2022-3033.3.1`. */
const OLD_CONVENTION = /(?<![\d.])\d+\.\d+\.\d+(?:[-+].*)?$/;

/**
 * Names under which a tag's version is in the cache, each with `-` for `+`. Whole names: `81.2.3` says nothing of `1.2.3`.
 *
 * @example namesOfTag('main-4799.0.0-nightly-20260821-2100') // includes '4799.0.0-nightly-20260821-2100'
 */
export const namesOfTag = (tag: string): readonly string[] => {
  const forms = [tag, deriveCacheForm(tag), OLD_CONVENTION.exec(tag)?.[0] ?? ''];
  return [...new Set(forms.map(deriveDockerForm))].filter((name) => name !== '');
};

/** What is in one folder of the cache. */
export interface FolderListing {
  readonly folder: string;
  readonly names: readonly string[];
}

/** Which names are judged, and when to rather not believe the outcome. */
export interface OrphanRules {
  readonly names: 'any' | 'versions';
  readonly except: Readonly<Record<string, string>>;
  /** Percent of a folder's names that may go at once. */
  readonly maxSharePercent: number;
}

/** What no tag stands for. */
export interface OrphanPlan {
  /** Cache paths to delete. */
  readonly remove: readonly string[];
  readonly kept: number;
  /** Cache paths that are not this collector's business. */
  readonly leftAlone: readonly string[];
  /** Reasons not to believe the plan; when there are some, nothing of it may be done. */
  readonly doubts: readonly string[];
}

/** So few may go whatever share of the folder they are: a small folder has large shares. */
export const BRAKE_FREE = 5;

const BEGINS_LIKE_VERSION = /^\d+\.\d+\.\d+(?:[-+]|$)/;

const isJudged = (folder: string, name: string, rules: OrphanRules): boolean => {
  const except = rules.except[folder];
  if (except !== undefined && deriveDockerForm(name).includes(except)) return false;
  return rules.names === 'any' || BEGINS_LIKE_VERSION.test(name);
};

const doubtsOf = ({ folder }: FolderListing, orphans: readonly string[], judged: number, percent: number): string[] => {
  const official = orphans.filter(isOfficialNumber);
  const isTooMuch = orphans.length > BRAKE_FREE && orphans.length * 100 > judged * percent;
  return [
    ...official.map((name) => `${folder}/${name} is a released version`),
    ...(isTooMuch ? [`${orphans.length} of the ${judged} names in ${folder} are more than ${percent} %`] : []),
  ];
};

/**
 * Decides what in the cache belongs to no tag.
 *
 * @param listings made before the tags were read, so that a build that has pushed its tag and begun to publish is known
 * @param tags names of all tags, on the remote and in this clone
 */
export const planOrphans = (
  listings: readonly FolderListing[],
  tags: Iterable<string>,
  rules: OrphanRules,
): OrphanPlan => {
  const known = new Set([...tags].flatMap(namesOfTag));
  const plan = { remove: [] as string[], kept: 0, leftAlone: [] as string[], doubts: [] as string[] };
  for (const listing of listings) {
    const { folder } = listing;
    const names = listing.names.filter((name) => !name.startsWith('.'));
    const judged = names.filter((name) => isJudged(folder, name, rules));
    const orphans = judged.filter((name) => !known.has(deriveDockerForm(name)));
    plan.remove.push(...orphans.map((name) => `${folder}/${name}`));
    plan.kept += judged.length - orphans.length;
    plan.leftAlone.push(...names.filter((name) => !judged.includes(name)).map((name) => `${folder}/${name}`));
    plan.doubts.push(...doubtsOf(listing, orphans, judged.length, rules.maxSharePercent));
  }
  if (known.size === 0 && plan.remove.length > 0) plan.doubts.unshift('there is not a single tag');
  return plan;
};
