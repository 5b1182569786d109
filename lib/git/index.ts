export { createGit, type GitSettings } from './git.ts';
export type {
  Changes,
  CommitInfo,
  Git,
  GitEffects,
  GitQueries,
  IndexEntry,
  PushedRef,
  PushReport,
} from './types.ts';
