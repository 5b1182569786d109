import { readdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { mustRun, type StepCall } from './fixture-step.ts';
import type { FixtureWorld, WorldMaker } from './fixture-world.ts';

/** The version that the tests build, in the forms that it takes in names. */
export const BUILD = {
  tag: 'main-4888.0.0-nightly-20261120-2100',
  cacheForm: '4888.0.0+nightly-20261120-2100',
  dockerForm: '4888.0.0-nightly-20261120-2100',
} as const;

/** The pipeline: each step with its arguments, in order. */
export const PIPELINE = [
  ['sdk_bootstrap', 'debian', BUILD.tag],
  ['sdk_container'],
  ['packages', 'amd64'],
  ['image', 'amd64'],
  ['vms', 'amd64', 'qemu', 'azure'],
] as const;

/** The name of a step of the pipeline. */
export type PipelineStep = (typeof PIPELINE)[number][0];

/** The arguments with which the pipeline calls a step. */
export const argumentsOf = (step: PipelineStep): readonly string[] =>
  PIPELINE.find(([name]) => name === step)?.slice(1) ?? [];

/** Runs the pipeline up to and with `last`, so that the step after it can be tested. */
export const buildUpTo = async (world: FixtureWorld, last: PipelineStep, call: StepCall = {}): Promise<void> => {
  for (const [step, ...args] of PIPELINE) {
    await mustRun(world, step, args, call);
    if (step === last) break;
  }
  world.takeCalls();
};

/** Takes the packages image out of the cache again: the stand-in engine never makes the same one twice, and a published one does not change. */
export const withdrawPackages = (world: FixtureWorld): void => {
  const folder = join(world.cache, 'containers', BUILD.dockerForm);
  for (const name of readdirSync(folder)) if (name.startsWith('skiff-packages-')) rmSync(join(folder, name));
};

/** Gives a new copy of the world as it is right before a step. */
export type Stages = (step: PipelineStep) => FixtureWorld;

/** Runs the pipeline once, all but its last step, and keeps a copy of the world before each step. */
export const buildStages = async (worlds: WorldMaker, world: FixtureWorld, call: StepCall = {}): Promise<Stages> => {
  const stages = new Map<PipelineStep, FixtureWorld>();
  for (const [at, [step, ...args]] of PIPELINE.entries()) {
    stages.set(step, worlds.copyOf(world));
    if (at < PIPELINE.length - 1) await mustRun(world, step, args, call);
    world.takeCalls();
    world.removeContainers();
  }
  return (step) => worlds.copyOf(stages.get(step) ?? world);
};
