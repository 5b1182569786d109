import type { StepEnd, StepWords } from '../helpers/conformance-step.ts';
import type { ConformanceWorld, StepEnv } from '../helpers/conformance-world.ts';

/** Runs a step of ours. */
export const run = (world: ConformanceWorld, words: StepWords, env?: StepEnv): Promise<StepEnd> => {
  const [step, ...args] = words;
  return world.run('slipway', step, args, env);
};

/** Runs a step of ours that must end well; throws with its log otherwise. */
export const mustRun = async (world: ConformanceWorld, words: StepWords, env?: StepEnv): Promise<StepEnd> => {
  const end = await run(world, words, env);
  if (end.exitCode !== 0) throw new Error(`${words.join(' ')} ended with ${end.exitCode}:\n${end.stderr}`);
  return end;
};

/** The code of the error that a step ended with. */
export const errorCode = ({ stderr }: StepEnd): string | undefined => /^error ([A-Z_]+):/m.exec(stderr)?.[1];

/** The calls of entry points since the last time this was asked, without the environment. */
export const takeCalls = (world: ConformanceWorld): string[] => {
  const lines = world.read('calls').split('\n').filter(Boolean);
  world.write('calls', '');
  return lines.map((line) => line.replace(/^(?:[A-Z_]+=\S* )*/, ''));
};
