import * as v from 'valibot';
import { EVENT_KINDS } from '../../lib/log/index.ts';

const artifact = v.strictObject({
  path: v.pipe(v.string(), v.regex(/^[^/]/)),
  sizeBytes: v.pipe(v.number(), v.integer(), v.minValue(1)),
  sha256: v.pipe(v.string(), v.regex(/^[0-9a-f]{64}$/)),
});

/** What a result file may look like; CIs read it, so that it must not change by accident. */
export const resultSchema = v.strictObject({
  schema: v.literal(1),
  step: v.string(),
  arguments: v.array(v.string()),
  outcome: v.picklist(['done', 'failed', 'interrupted']),
  exitCode: v.picklist([0, 1, 2, 3, 130, 143]),
  startedAt: v.pipe(v.string(), v.isoTimestamp()),
  durationMs: v.pipe(v.number(), v.minValue(0)),
  commit: v.pipe(v.string(), v.regex(/^[0-9a-f]{40}$/)),
  inputs: v.array(artifact),
  outputs: v.array(artifact),
  /** Empty where the layout is flat, as in these tests. */
  traffic: v.array(v.unknown()),
  statement: v.optional(v.pipe(v.string(), v.regex(/^provenance\//))),
  events: v.pipe(v.string(), v.regex(/^__build__\/slipway\/events\/\d{8}T\d{9}Z-[\w-]+-[0-9a-f]{8}\.jsonl$/)),
  summary: v.optional(v.record(v.string(), v.unknown())),
  error: v.optional(
    v.strictObject({
      code: v.string(),
      message: v.string(),
      hint: v.optional(v.string()),
      cause: v.optional(v.string()),
      fix: v.optional(v.string()),
    }),
  ),
});

const eventSchema = v.looseObject({ time: v.pipe(v.string(), v.isoTimestamp()), kind: v.picklist(EVENT_KINDS) });

/** One event, as far as every kind has it. */
export type StepEvent = v.InferOutput<typeof eventSchema>;

/** Reads what a step wrote with `--json`; throws when a line is no event. */
export const parseEvents = (stderr: string): StepEvent[] =>
  stderr
    .split('\n')
    .filter(Boolean)
    .map((line) => v.parse(eventSchema, JSON.parse(line)));
