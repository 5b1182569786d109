export {
  EVENT_KINDS,
  EVENT_SCHEMA,
  type EventKind,
  type EventOf,
  type FailedCommand,
  type LogEvent,
  type Outcome,
  type Sink,
} from './events.ts';
export { formatBytes, formatCommand, formatDuration } from './format.ts';
export { jsonSink } from './json-sink.ts';
export { type CommandLog, createLog, type Log, type Progress, silentLog } from './log.ts';
export { createMask, type Mask } from './mask.ts';
export type { Folding } from './text/folding.ts';
export { type TextOutput, textSink } from './text-sink.ts';
