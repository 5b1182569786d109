import type { Version } from '../../lib/version/index.ts';
import { NIGHTLY_STEPS, type NightlyRequest, type NightlyStep } from './arguments.ts';
import type { StepCall } from './run-steps.ts';

/** What is known when a nightly is planned. */
export interface NightlyFacts {
  readonly request: Pick<NightlyRequest, 'from'>;
  readonly version: Version;
  readonly arch: string;
  readonly formats: readonly string[];
  /** Format to boot. */
  readonly bootFormat: string;
  /** Whether the SDK in the version file can be used again. */
  readonly sdkIsUsable: boolean;
  /** What to bootstrap an SDK from. */
  readonly seed: string;
}

const callOf = (step: NightlyStep, facts: NightlyFacts, tagsPackages: boolean): StepCall => {
  const { arch, version, formats, bootFormat, seed } = facts;
  switch (step) {
    case 'sdk_bootstrap':
      return { step, args: [seed, version.text] };
    case 'sdk_container':
      return { step, args: [] };
    case 'packages':
      return { step, args: tagsPackages ? [version.text, arch] : [arch] };
    case 'image':
      return { step, args: [arch] };
    case 'vms':
      return { step, args: [arch, ...formats] };
    case 'test':
      // A restart is a second boot; whoever wants it runs the step 'test' without this.
      return { step, args: [arch, bootFormat, '!state.reboot'] };
  }
};

/**
 * The steps that a nightly runs: all five, or from `packages` on when the SDK can be used again, or from the one asked for; and the boot.
 * The first step that makes something new tags the version.
 */
export const planNightly = (facts: NightlyFacts): StepCall[] => {
  const first = facts.request.from ?? (facts.sdkIsUsable ? 'packages' : 'sdk_bootstrap');
  const tagsPackages = facts.request.from === undefined && first === 'packages';
  return NIGHTLY_STEPS.slice(NIGHTLY_STEPS.indexOf(first)).map((step) => callOf(step, facts, tagsPackages));
};
