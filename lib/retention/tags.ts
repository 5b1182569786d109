import type { LocalTag, TagReader } from '../git/index.ts';
import { type BuildTagRules, buildVersionOf } from './build-version.ts';
import type { BuildTag } from './plan-builds.ts';

/** All tags there are now. */
export interface Tags {
  /** Short name to the object that the ref holds. */
  readonly remote: ReadonlyMap<string, string>;
  readonly local: ReadonlyMap<string, LocalTag>;
}

/** Asks the remote and the clone for their tags. Throws when one of them does not answer. */
export const readTags = async (reader: TagReader): Promise<Tags> => {
  const [remote, local] = await Promise.all([reader.remoteTags(), reader.localTags()]);
  return { remote, local };
};

/** Names of all tags, on the remote or in this clone. */
export const tagNames = ({ remote, local }: Tags): string[] => [...new Set([...remote.keys(), ...local.keys()])];

/** The tags of development builds with their dates; what the clone does not know of them is fetched, but not into the clone. */
export const readBuildTags = async (reader: TagReader, tags: Tags, rules: BuildTagRules): Promise<BuildTag[]> => {
  const { remote, local } = tags;
  const builds = tagNames(tags).flatMap((name) => {
    const version = buildVersionOf(name, rules);
    return version ? [{ name, version }] : [];
  });
  const isUnknown = (name: string): boolean => remote.has(name) && remote.get(name) !== local.get(name)?.object;
  await reader.bring(builds.map(({ name }) => name).filter(isUnknown));
  const found: BuildTag[] = [];
  for (const { name, version } of builds) {
    const remoteObject = remote.get(name);
    const mine = local.get(name);
    const createdAt = isUnknown(name) && remoteObject ? await reader.createdAt(remoteObject) : mine?.createdAt;
    found.push({ version, createdAt, remoteObject, localObject: mine?.object });
  }
  return found;
};
