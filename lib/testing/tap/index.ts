export { type Diagnostics, formatDiagnostics, formatTap, type TapEntry } from './format.ts';
export { mergeTap, type TapPart } from './merge.ts';
export { parseTap, parseWholeTap } from './parse.ts';
export type { TapDocument, TapTest } from './types.ts';
