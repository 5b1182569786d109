import { explainVersion, parseVersion, type Version } from '../version/index.ts';

/** Which tags are development builds. */
export interface BuildTagRules {
  readonly channels: readonly string[];
  readonly exceptEndings: readonly string[];
}

/** The version of a tag if it is one of a development build: never a release, never one of the exceptions. */
export const buildVersionOf = (tag: string, rules: BuildTagRules): Version | undefined => {
  if (explainVersion(tag) !== undefined || rules.exceptEndings.some((ending) => tag.endsWith(ending))) return undefined;
  const version = parseVersion(tag);
  return version.isOfficial || !rules.channels.includes(version.channel) ? undefined : version;
};
