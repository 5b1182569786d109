import * as v from 'valibot';
import { nearest } from '../config/index.ts';
import { type PipelineDefinition, pipelineSchema } from './schema.ts';

/** The step that is there before all others: it decides and tags the version. */
export const FIRST_STEP = 'version';

/** The part of a schema that a path leads to, as far as unknown keys need it. */
interface Part {
  readonly entries?: Readonly<Record<string, Part>>;
  readonly wrapped?: Part;
  readonly value?: Part;
  readonly pipe?: readonly Part[];
}

const plain = (part: Part | undefined): Part | undefined => (part?.wrapped ? plain(part.wrapped) : part);

/** The keys that are known beside the last one of `keys`. */
const knownBeside = (keys: readonly unknown[]): string[] => {
  let part = plain(pipelineSchema as Part);
  for (const key of keys.slice(0, -1)) part = plain(part?.entries?.[String(key)] ?? part?.value);
  return Object.keys(part?.entries ?? {});
};

const meant = (name: string, known: readonly string[]): string => {
  const near = nearest(name, known);
  return near === undefined ? `; known: ${known.join(', ')}` : `; did you mean '${near}'?`;
};

/** One fault of the form, with the nearest known name for an unknown key. */
export const formFault = (issue: v.BaseIssue<unknown>): string => {
  const keys = (issue.path ?? []).map(({ key }) => key);
  const where = v.getDotPath(issue) ?? 'the file';
  if (issue.type !== 'strict_object') return `${where}: ${issue.message}`;
  if (issue.expected !== 'never') return `${where}: ${issue.received === 'undefined' ? 'is missing' : issue.message}`;
  return `${where}: there is no such key${meant(String(keys.at(-1)), knownBeside(keys))}`;
};

const unknownNames = (where: string, names: readonly string[], known: readonly string[]): string[] =>
  names.filter((name) => !known.includes(name)).map((name) => `${where}: there is no '${name}'${meant(name, known)}`);

const duplicates = (where: string, words: readonly string[]): string[] =>
  [...new Set(words.filter((word, at) => words.indexOf(word) !== at))].map(
    (word) => `${where}: '${word}' is there twice`,
  );

/** Placeholders that arguments may have, and what `for` must have for them. */
const PLACEHOLDERS: Readonly<Record<string, string | undefined>> = {
  version: undefined,
  seed: undefined,
  arch: 'arches',
  formats: 'formats',
  test: 'tests',
};

const argumentFaults = (where: string, { arguments: words, for: dimensions }: PipelineDefinition['steps'][string]) =>
  words.flatMap((word) =>
    [...word.matchAll(/\$\{(\w*)\}/g)].flatMap(([, key = '']) => {
      if (!Object.hasOwn(PLACEHOLDERS, key)) return unknownNames(where, [key], Object.keys(PLACEHOLDERS));
      const dimension = PLACEHOLDERS[key];
      const isThere = dimension === undefined || dimensions.some((one) => one === dimension);
      return isThere ? [] : [`${where}: \${${key}} needs 'for' to have ${dimension}`];
    }),
  );

/** Steps that wait for themselves, each loop once. */
const loopFaults = (steps: PipelineDefinition['steps']): string[] => {
  const ready = new Set<string>();
  let left = Object.keys(steps);
  for (let before = Number.POSITIVE_INFINITY; left.length < before; ) {
    before = left.length;
    for (const step of left) {
      const needs = steps[step]?.needs ?? [];
      // An unknown name has a fault of its own.
      if (needs.every((need) => ready.has(need) || !Object.hasOwn(steps, need))) ready.add(step);
    }
    left = left.filter((step) => !ready.has(step));
  }
  return left.length === 0 ? [] : [`steps: ${left.join(', ')} wait for each other`];
};

const stepFaults = ({ steps }: PipelineDefinition): string[] => {
  const known = Object.keys(steps);
  const first = steps[FIRST_STEP];
  const missing = first ? [] : [`steps: there must be '${FIRST_STEP}', which decides the version`];
  const busy = first && (first.needs.length > 0 || first.for.length > 0 || first.arguments.length > 0);
  return [
    ...missing,
    ...(busy ? [`steps.${FIRST_STEP}: it is the first job and takes only limits`] : []),
    ...known.flatMap((name) => {
      const step = steps[name];
      if (!step || name === FIRST_STEP) return [];
      const where = `steps.${name}`;
      const lonely =
        step.needs.length === 0 ? [`${where}.needs: it must wait for something, at least '${FIRST_STEP}'`] : [];
      return [
        ...lonely,
        ...unknownNames(`${where}.needs`, step.needs, known),
        ...duplicates(`${where}.for`, step.for),
        ...argumentFaults(`${where}.arguments`, step),
      ];
    }),
    ...loopFaults(steps),
  ];
};

const variantFaults = ({ variants, steps }: PipelineDefinition): string[] => {
  const optional = Object.keys(steps).filter((step) => step !== FIRST_STEP);
  const names = Object.keys(variants);
  const none = names.length === 0 ? ['variants: there must be one at least'] : [];
  return [
    ...none,
    ...names.flatMap((name) => {
      const { without = [], schedule, version } = variants[name] ?? {};
      const where = `variants.${name}`;
      const unattended =
        schedule !== undefined && version === 'given'
          ? [`${where}.schedule: nobody gives a version to a scheduled run`]
          : [];
      const second =
        schedule !== undefined && name !== names[0] ? [`${where}.schedule: only the first variant can have one`] : [];
      return [...unknownNames(`${where}.without`, without, optional), ...unattended, ...second];
    }),
  ];
};

/** What is wrong beyond the form: names that lead nowhere, loops, things that are there twice. */
export const ruleFaults = (pipeline: PipelineDefinition): string[] => {
  const formats = Object.values(pipeline.formats).flat();
  return [
    ...duplicates('arches', pipeline.arches),
    ...duplicates('formats', formats),
    ...duplicates('tests', pipeline.tests),
    ...unknownNames('tests', pipeline.tests, formats),
    ...variantFaults(pipeline),
    ...stepFaults(pipeline),
  ];
};
