import { spawnSync } from 'node:child_process';
import { appendFileSync, mkdirSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import type { LogEvent } from '../../lib/log/index.ts';
import { makeOwnName } from '../../lib/process/process-identity.ts';
import { makeRecordingName } from '../../lib/recording/index.ts';

/** An event with the second since the start of the test's time at which it happens. */
export type TimedEvent = readonly [second: number, event: LogEvent];

/** When the test's time starts. */
export const START_MS = Date.UTC(2026, 10, 28, 17);

/** The time of an event, as in a recording. */
export const timeAt = (second: number): string => new Date(START_MS + second * 1000).toISOString();

/** The name of a process that is there: this one. */
export const aliveOwner = (): string => makeOwnName();

/** The name of a process of this machine that has ended. */
export const deadOwner = (): string => {
  const { pid } = spawnSync('true');
  return makeOwnName().replace(/-\d+-/, `-${pid}-`);
};

/** What a recording is to say of itself. */
export interface RecordingFacts {
  readonly owner?: string;
  readonly run?: string;
}

/** The lines of a recording. */
export const recordingText = (
  events: readonly TimedEvent[],
  { owner = aliveOwner(), run }: RecordingFacts = {},
): string => {
  const started = events.find(([, event]) => event.kind === 'step-started')?.[1];
  const step = started?.kind === 'step-started' ? started.step : 'step';
  const header = { time: timeAt(events[0]?.[0] ?? 0), kind: 'recording', schema: 1, step, owner, run };
  const lines = [header, ...events.map(([second, event]) => ({ time: timeAt(second), ...event }))];
  return lines.map((line) => `${JSON.stringify(line)}\n`).join('');
};

/** Writes a recording into a folder. @returns its path */
export const writeRecording = (folder: string, events: readonly TimedEvent[], facts?: RecordingFacts): string => {
  const started = events.find(([, event]) => event.kind === 'step-started');
  const step = started?.[1].kind === 'step-started' ? started[1].step : 'step';
  const file = join(folder, makeRecordingName(step, new Date(START_MS + (started?.[0] ?? 0) * 1000)));
  mkdirSync(dirname(file), { recursive: true });
  writeFileSync(file, recordingText(events, facts));
  return file;
};

/** Adds events to a recording, as its step would. */
export const addEvents = (file: string, events: readonly TimedEvent[]): void =>
  appendFileSync(
    file,
    events.map(([second, event]) => `${JSON.stringify({ time: timeAt(second), ...event })}\n`).join(''),
  );

/** A step began. */
export const started = (step: string, ...args: readonly string[]): LogEvent => ({
  kind: 'step-started',
  schema: 1,
  step,
  args,
  cwd: '/tree',
  plan: false,
});

/** A step ended. */
export const finished = (step: string, exitCode = 0): LogEvent => ({
  kind: 'step-finished',
  step,
  outcome: exitCode === 0 ? 'done' : 'failed',
  exitCode,
  durationMs: 1,
});
