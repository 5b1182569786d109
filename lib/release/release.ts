import { slipwayError } from '../errors/index.ts';
import { copyRelease, copySdk } from './buckets.ts';
import { readCredentials } from './credentials.ts';
import { hasLists, publishLists } from './image-lists.ts';
import type { Phase } from './phases.ts';
import { readProductIds } from './products.ts';
import { preRelease, publisherContainer, publishOffers, readPublisherImage } from './publisher.ts';
import { pushSdkImages } from './sdk-images.ts';
import { publishTemplates } from './templates.ts';
import type { Release, ReleaseContext, ReleaseRequest } from './types.ts';

/** What became of a phase. */
export interface PhaseOutcome {
  readonly phase: Phase;
  readonly outcome: 'done' | 'skipped';
  /** Why it was skipped. */
  readonly reason?: string;
}

/** Groups of credentials that a phase needs. */
const needsOf = ({ preRelease, offers, templates, buckets, registry }: ReleaseRequest['profile']) =>
  ({
    'pre-release': preRelease.needs,
    offers: offers.needs,
    templates: templates.needs,
    'image-lists': [],
    copy: buckets.needs,
    'sdk-images': registry.needs,
    'sdk-copy': buckets.needs,
  }) satisfies Record<Phase, readonly string[]>;

const PUBLISHER_PHASES: readonly Phase[] = ['pre-release', 'offers', 'templates'];
const BUCKET_PHASES: readonly Phase[] = ['copy', 'sdk-copy'];
const SDK_PHASES: readonly Phase[] = ['sdk-images', 'sdk-copy'];

/** Why a phase is not for this release, if it is not. */
const reasonToSkip = (phase: Phase, release: Release, registry: string): string | undefined => {
  const { version, sdkVersion } = release.facts;
  if (SDK_PHASES.includes(phase) && version !== sdkVersion) {
    return `${version} is built with the SDK ${sdkVersion} and brings no new one`;
  }
  const missing = release.credentials.missing(needsOf(release.profile)[phase]);
  if (missing.length > 0) return `${missing.join(', ')} not set`;
  if (phase === 'sdk-images' && registry === '') return 'the tree has no registry (CONTAINER_REGISTRY)';
  return undefined;
};

/** The lists come from a pre-release, of this run or of an earlier one. */
const reasonToSkipLists = async (
  { root }: ReleaseContext,
  release: Release,
  wanted: readonly Phase[],
  skipped: ReadonlyMap<Phase, string>,
): Promise<string | undefined> => {
  if (wanted.includes('pre-release') && !skipped.has('pre-release')) return undefined;
  const there = await Promise.all(release.arches.map((arch) => hasLists(root, release, arch)));
  if (there.every(Boolean)) return undefined;
  if (wanted.includes('pre-release')) return 'there was no pre-release of this version';
  const { folder } = release.profile.imageLists;
  throw slipwayError('RELEASE_LISTS_MISSING', { folder, version: release.facts.version });
};

/** Decides on each phase before anything happens. */
const decide = async (context: ReleaseContext, release: Release, wanted: readonly Phase[]) => {
  const skipped = new Map<Phase, string>();
  for (const phase of wanted) {
    const reason =
      phase === 'image-lists'
        ? await reasonToSkipLists(context, release, wanted, skipped)
        : reasonToSkip(phase, release, context.registry);
    if (reason !== undefined) skipped.set(phase, reason);
  }
  return skipped;
};

/** What must be there for the phases that run; found out before anything happens. */
const prepare = async (context: ReleaseContext, release: Release, phases: readonly Phase[]) => {
  const runsAny = (some: readonly Phase[]): boolean => some.some((phase) => phases.includes(phase));
  if (runsAny(PUBLISHER_PHASES)) await readPublisherImage(context.root, release.profile);
  if (runsAny(BUCKET_PHASES)) {
    if (release.cacheUrl === '') throw slipwayError('RELEASE_CACHE_URL_MISSING', {});
    const { username, password } = URL.parse(release.cacheUrl) ?? {};
    if (username || password) throw slipwayError('RELEASE_CACHE_URL_SECRET', {});
  }
  return runsAny(['offers']) ? readProductIds(context.root, release) : new Map<string, string>();
};

/**
 * Releases a version: the wanted phases in the order of the original, each skipped with a line when it cannot apply. All that can be checked is
 * checked before the first one.
 *
 * @param wanted in order
 * @param settings for credentials that the tree's file does not have
 * @throws RELEASE_CREDENTIALS_PARTIAL and the other errors of the catalog
 */
export const runRelease = async (
  context: ReleaseContext,
  request: ReleaseRequest,
  wanted: readonly Phase[],
  settings: Readonly<Record<string, string | number | boolean>>,
): Promise<readonly PhaseOutcome[]> => {
  const { log, root, workspace } = context;
  const { profile } = request;
  const groups = [...new Set(wanted.flatMap((phase): readonly string[] => needsOf(profile)[phase]))];
  const credentials = await readCredentials({ root, profile, settings, hide: log.hide }, groups);
  const release: Release = { ...request, credentials };
  const skipped = await decide(context, release, wanted);
  const running = wanted.filter((phase) => !skipped.has(phase));
  const productIds = await prepare(context, release, running);
  if (running.some((phase) => PUBLISHER_PHASES.includes(phase))) {
    await workspace.append(
      'ci-cleanup.sh',
      `${context.engine.command.join(' ')} rm -f '${publisherContainer(release)}'\n`,
    );
  }
  const works: Record<Phase, () => Promise<void>> = {
    'pre-release': () => preRelease(context, release),
    offers: () => publishOffers(context, release, productIds),
    templates: () => publishTemplates(context, release),
    'image-lists': () => publishLists(context, release),
    copy: () => copyRelease(context, release),
    'sdk-images': () => pushSdkImages(context, release),
    'sdk-copy': () => copySdk(context, release),
  };
  const outcomes: PhaseOutcome[] = [];
  for (const phase of wanted) {
    const reason = skipped.get(phase);
    if (reason !== undefined) {
      log.info(`${phase}: skipped, because ${reason}.`);
      outcomes.push({ phase, outcome: 'skipped', reason });
      continue;
    }
    try {
      await log.phase(phase, works[phase]);
    } catch (error) {
      const left = running.slice(running.indexOf(phase));
      log.warn(`Not done: ${left.join(', ')}. To go on from here: release ${left.join(' ')}`);
      throw error;
    }
    outcomes.push({ phase, outcome: 'done' });
  }
  return outcomes;
};
