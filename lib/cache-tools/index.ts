export { collectCache, type GcReport, type GcRequest } from './gc.ts';
export { type MirrorReport, mirrorCache } from './mirror.ts';
export { renderGc, renderMirror, renderRepair, renderUsage, renderVerify, renderVersions } from './render.ts';
export { type RepairReport, repairCache } from './repair.ts';
export { parseDuration, parseMirrorTarget, parseNumber } from './request.ts';
export type { CacheTools } from './types.ts';
export { type ListedVersion, listVersions, measureUsage, type Usage, type VersionUsage } from './usage.ts';
export { type VerifyReport, type VerifyRequest, verifyCache } from './verify.ts';
