import type { StepModel } from './types.ts';

/** The version that a step built; undefined where it ended before it knew. */
export const versionOf = ({ facts }: Pick<StepModel, 'facts'>): string | undefined =>
  typeof facts.version === 'string' ? facts.version : undefined;

/** What makes two calls of a step the same call: the step and its arguments, without versions. */
export const callOf = ({ step, args, facts }: Pick<StepModel, 'step' | 'args' | 'facts'>): string => {
  const version = versionOf({ facts }) ?? '';
  const isVersion = (word: string): boolean =>
    /^[a-z]+-\d+\.\d+\.\d+/.test(word) || (version !== '' && word.includes(version));
  return [step, ...args.filter((word) => !isVersion(word))].join(' ');
};
