export { compareVersions } from './compare.ts';
export {
  deriveBuildId,
  deriveCacheForm,
  deriveDockerForm,
  deriveGroup,
  deriveVernum,
  isOfficialNumber,
  pickTag,
  withoutChannel,
} from './derive.ts';
export { explainVersion, explainVersionNumber, parseVersion, parseVersionNumber } from './grammar.ts';
export { isNightly, makeNightlyVersion, type NightlyPattern, type NightlyRequest } from './nightly.ts';
export { dayCount, type SchemeContext, type VersionScheme } from './scheme.ts';
export { type Channel, channels, type Group, type Version, type VersionNumber } from './types.ts';
export { parseVersionFile, readVersionFile, renderVersionFile, type VersionFile } from './version-file.ts';
