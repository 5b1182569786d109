import { deriveCacheForm, explainVersion } from '../../version/index.ts';
import type { StepModel } from './types.ts';

const isTag = (word: string): boolean => explainVersion(word) === undefined;

/** The version that a step built, in cache form; undefined where it ended before it knew. */
export const versionOf = ({ facts }: Pick<StepModel, 'facts'>): string | undefined => {
  const { version } = facts;
  if (typeof version !== 'string') return undefined;
  // A step that makes a version knows it as a tag, with its channel.
  return isTag(version) ? deriveCacheForm(version) : version;
};

/** What makes two calls of a step the same call: the step and its arguments, without versions. */
export const callOf = ({ step, args, facts }: Pick<StepModel, 'step' | 'args' | 'facts'>): string => {
  const version = versionOf({ facts });
  return [step, ...args.filter((word) => !isTag(word) && word !== version)].join(' ');
};
