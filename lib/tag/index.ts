export { applyTagDecision } from './apply.ts';
export { assembleTagDecision, refuseCheckout, type TagDecision } from './decision.ts';
export { type ExistingTag, gatherFacts, gatherLocalFacts, type LocalFacts, type TagFacts } from './facts.ts';
export { branchOf, isNightlyOf, pickPreviousTag, type TaggingRules, unchangedPaths } from './rules.ts';
export { isOn } from './settings.ts';
export type { SubmoduleTarget } from './submodules.ts';
export { tagVersion } from './tag-version.ts';
export type { SubmoduleRequest, TagRequest, TagResult, TagTools, TreeFiles } from './types.ts';
