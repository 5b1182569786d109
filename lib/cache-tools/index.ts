export { type ExportReport, type ExportRequest, exportImage } from './export/export-image.ts';
export { EXPORT_FORMATS, type ExportFormat } from './export/types.ts';
export { collectCache, type GcReport, type GcRequest } from './gc.ts';
export { type ImportReport, type ImportRequest, importToCache } from './import-image.ts';
export { type MirrorReport, mirrorCache } from './mirror.ts';
export { parseReference } from './reference.ts';
export {
  renderExport,
  renderGc,
  renderImport,
  renderMirror,
  renderRepair,
  renderUsage,
  renderVerify,
  renderVersions,
} from './render.ts';
export { type RepairReport, repairCache } from './repair.ts';
export { parseDuration, parseMirrorTarget, parseNumber } from './request.ts';
export type { CacheTools } from './types.ts';
export { type ListedVersion, listVersions, measureUsage, type Usage, type VersionUsage } from './usage.ts';
export { type VerifyReport, type VerifyRequest, verifyCache } from './verify.ts';
