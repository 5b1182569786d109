import { slipwayError } from '../errors/index.ts';
import { explainVersion } from '../version/index.ts';
import { type BuildTagRules, buildVersionOf } from './build-version.ts';

/**
 * Reads `PURGE_VERSIONS`: whole names of development builds.
 *
 * @param text words with blanks between
 * @throws PURGE_VERSION_INVALID for the first word that is no development build's name
 */
export const parsePurgeVersions = (text: string, rules: BuildTagRules): readonly string[] => {
  const words = [...new Set(text.split(/\s+/).filter((word) => word !== ''))];
  for (const word of words) {
    if (buildVersionOf(word, rules)) continue;
    throw slipwayError('PURGE_VERSION_INVALID', {
      word,
      reason: explainVersion(word) ?? 'it is a release or protected, and only development builds can be purged',
    });
  }
  return words;
};
