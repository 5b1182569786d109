export type { LogEvent, Outcome, Sink } from './events.ts';
export { formatBytes, formatCommand, formatDuration } from './format.ts';
export { jsonSink } from './json-sink.ts';
export { createLog, type Log, type Progress, silentLog } from './log.ts';
export { createMask, type Mask } from './mask.ts';
export { type TextOutput, textSink } from './text-sink.ts';
