export { dayOf, lastOldDay } from './age.ts';
export { listArtifacts } from './artifacts.ts';
export { isCloudConfigured } from './cloud.ts';
export { collectGarbage, type GarbageSummary } from './collect.ts';
export type { CloudTools, GarbageTools } from './collecting.ts';
export { parseRelease } from './plan-releases.ts';
export { type RetentionProfile, retentionSchema } from './profile.ts';
export { COLLECTORS, type Collector, type GarbageRequest, parseGarbageRequest } from './request.ts';
