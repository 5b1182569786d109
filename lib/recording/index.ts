export { type FollowOptions, followRun } from './follow.ts';
export { type ListedRecording, listRecordings } from './list.ts';
export { makeRecordingName, parseRecordingName, type RecordingName, resultBeside } from './name.ts';
export { parseRecordedLine, type RecordedEvent, type RecordingHeader } from './parse.ts';
export { pruneRecordings, type RecordingLimits } from './prune.ts';
export { openRecording, type ReadLine, type RecordingReader } from './read.ts';
export { createRecording, type Recording, type RecordingOptions } from './write.ts';
