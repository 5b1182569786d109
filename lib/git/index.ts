export { createGit, type GitSettings } from './git.ts';
export { createTagReader, type LocalTag, type TagReader } from './tag-reader.ts';
export type {
  Changes,
  CommitInfo,
  Committer,
  Git,
  GitEffects,
  GitPatchEffects,
  GitPatchQueries,
  GitQueries,
  GitSubmoduleEffects,
  GitSubmoduleQueries,
  IndexEntry,
  PushedRef,
  PushReport,
  Submodule,
} from './types.ts';
