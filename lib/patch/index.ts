export {
  applyLocalPatch,
  hasPendingPatch,
  type LocalPatch,
  type PatchOutcome,
  type PatchTools,
} from './apply-local-patch.ts';
export { takeBackLocalPatch } from './take-back.ts';
