import { compareVersions, parseVersion, parseVersionNumber } from '../../lib/version/index.ts';

/** All of one channel, whatever they were built for: only their numbers and suffixes count. */
const asVersion = (version: string) => parseVersion(`main-${parseVersionNumber(version).dockerForm}`);

/** Newest first. @param versions in cache form */
export const newestFirst = (versions: readonly string[]): string[] =>
  [...versions].sort((a, b) => compareVersions(asVersion(b), asVersion(a)));

/** The newest version that has something. */
export const newestWith = async (
  versions: readonly string[],
  hasIt: (version: string) => Promise<boolean>,
): Promise<string | undefined> => {
  for (const version of newestFirst(versions)) if (await hasIt(version)) return version;
  return undefined;
};
