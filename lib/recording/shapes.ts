import type { EventKind } from '../log/index.ts';

type Check = (value: unknown) => boolean;

const isText: Check = (value) => typeof value === 'string';
const isNumber: Check = (value) => typeof value === 'number' && Number.isFinite(value);
const isTruth: Check = (value) => typeof value === 'boolean';
const areTexts: Check = (value) => Array.isArray(value) && value.every(isText);
const isRecord: Check = (value) => typeof value === 'object' && value !== null && !Array.isArray(value);
const areNumbers: Check = (value) => isRecord(value) && Object.values(value as object).every(isNumber);
const areFacts: Check = (value) =>
  isRecord(value) && Object.values(value as object).every((one) => isText(one) || isNumber(one) || isTruth(one));
const isOutcome: Check = (value) => ['done', 'failed', 'interrupted', 'skipped'].includes(value as string);
const isDirection: Check = (value) => value === 'up' || value === 'down';
const optional =
  (check: Check): Check =>
  (value) =>
    value === undefined || value === null || check(value);

const isFailedCommand: Check = (value) => {
  const { id, command, cwd, lastOutput } = (value ?? {}) as Record<string, unknown>;
  return isRecord(value) && optional(isNumber)(id) && areTexts(command) && isText(cwd) && isText(lastOutput);
};

const phaseShape = { id: isNumber, parent: optional(isNumber), phase: isText, depth: isNumber };
const placed = { phase: optional(isNumber) };
const cacheShape = { ...placed, what: isText, path: isText };

/** What the fields of each kind of event are; a recording may come from anywhere, and nobody wants to read of a bug when it was damaged. */
const SHAPES: Readonly<Record<EventKind, Readonly<Record<string, Check>>>> = {
  'step-started': { step: isText, args: areTexts, cwd: isText, plan: optional(isTruth) },
  environment: {
    ...{ slipway: isText, node: isText, host: isText, system: isText, arch: isText },
    ...{ cpus: isNumber, memoryBytes: isNumber, engine: optional(isText) },
  },
  facts: { ...placed, values: areFacts },
  'step-finished': {
    ...{ step: isText, outcome: isOutcome, exitCode: isNumber, durationMs: isNumber },
    resultFile: optional(isText),
  },
  'phase-started': phaseShape,
  'phase-finished': { ...phaseShape, outcome: isOutcome, durationMs: isNumber },
  info: { ...placed, text: isText },
  warning: { ...placed, text: isText },
  'command-started': { ...placed, id: isNumber, command: areTexts, cwd: isText },
  'command-output': { ...placed, id: isNumber, line: isText },
  'command-finished': {
    ...{ ...placed, id: isNumber, command: areTexts, ok: isTruth, durationMs: isNumber },
    ...{ exitCode: optional(isNumber), signal: optional(isText) },
  },
  progress: {
    ...{ ...placed, id: isNumber, label: isText, doneBytes: isNumber, durationMs: isNumber, finished: isTruth },
    totalBytes: optional(isNumber),
  },
  retry: { ...placed, what: isText, attempt: isNumber, tries: isNumber, delayMs: isNumber, reason: isText },
  'cache-hit': { ...cacheShape, reason: optional(isText), sizeBytes: optional(isNumber) },
  'cache-miss': { ...cacheShape, reason: isText },
  transfer: {
    ...{ ...placed, direction: isDirection, what: isText, movedBytes: isNumber, reusedBytes: isNumber },
    ...{ durationMs: isNumber, causes: optional(areNumbers) },
  },
  planned: { ...placed, effect: isText },
  error: {
    ...{ ...placed, code: isText, message: isText, hint: optional(isText), stack: optional(isText) },
    ...{ command: optional(isFailedCommand), cause: optional(isText), fix: optional(isText), rerun: optional(isText) },
  },
};

/** Whether it is a kind that is known here; one of a later Slipway may not be. */
export const isKnownKind = (kind: string): kind is EventKind => Object.hasOwn(SHAPES, kind);

/** The first field of an event that is not what it should be; undefined: all are. */
export const wrongFieldOf = (kind: EventKind, event: Readonly<Record<string, unknown>>): string | undefined =>
  Object.entries(SHAPES[kind]).find(([name, check]) => !check(event[name]))?.[0];
