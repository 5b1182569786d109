import * as v from 'valibot';

/** Names that every CI takes for a job, a stage or a parameter. */
const name = v.pipe(v.string(), v.regex(/^[a-z][a-z0-9_]*$/, 'must begin with a letter and have only a-z, 0-9 and _'));
const settingName = v.pipe(
  v.string(),
  v.regex(/^[A-Z][A-Z0-9_]*$/, 'must be the name of a setting, such as SIGNING_KEY'),
);
const word = v.pipe(v.string(), v.regex(/^[\w.:/@-]+$/, 'must be one word without spaces or quotes'));
/** A path below the checkout. */
const relativePath = v.pipe(
  v.string(),
  v.regex(
    /^(?!\/|.*(?:^|\/)\.\.(?:\/|$))[^\s'"$`\\]+$/,
    "must be a path below the checkout without '..', spaces or quotes",
  ),
);
const minutes = v.pipe(v.number(), v.integer(), v.minValue(1), v.maxValue(7 * 24 * 60));

/** Five fields of numbers, `*`, ranges, lists and steps; names of months and days are not known to every CI. */
const cronField = String.raw`(?:\*|\d+(?:-\d+)?)(?:/\d+)?`;
const cron = v.pipe(
  v.string(),
  v.regex(
    new RegExp(`^(?:${cronField}(?:,${cronField})*\\s+){4}${cronField}(?:,${cronField})*$`),
    'must be five fields: minute, hour, day of the month, month, day of the week',
  ),
);

/** What there is one job for each of. */
export const DIMENSIONS = ['arches', 'formats', 'tests'] as const;

const step = v.strictObject({
  for: v.optional(v.array(v.picklist(DIMENSIONS)), []),
  arguments: v.optional(v.array(v.string()), []),
  needs: v.optional(v.array(v.string()), []),
  timeoutMinutes: minutes,
  retries: v.optional(v.pipe(v.number(), v.integer(), v.minValue(0), v.maxValue(2)), 0),
});

const variant = v.strictObject({
  version: v.picklist(['date', 'given']),
  tag: name,
  schedule: v.optional(cron),
  without: v.optional(v.array(v.string()), []),
});

const globs = v.array(relativePath);

/** `pipeline.yaml`; the comments of config/pipeline.yaml say what each part is. */
export const pipelineSchema = v.strictObject({
  name: v.pipe(v.string(), v.regex(/^[a-z][a-z0-9-]*$/, 'must begin with a letter and have only a-z, 0-9 and -')),
  arches: v.pipe(v.array(name), v.minLength(1, 'must name one at least')),
  formats: v.record(name, v.pipe(v.array(word), v.minLength(1, 'must name one at least'))),
  tests: v.optional(v.array(word), []),
  variants: v.record(name, variant),
  steps: v.record(name, step),
  seed: v.optional(word),
  secrets: v.optional(v.record(settingName, v.picklist(['file', 'text'])), {}),
  workers: v.strictObject({ labels: v.pipe(v.array(word), v.minLength(1, 'must name one at least')), container: word }),
  artifacts: v.strictObject({
    folder: relativePath,
    keepDays: v.pipe(v.number(), v.integer(), v.minValue(1)),
    collect: v.strictObject({ results: globs, events: globs, reports: globs, logs: globs, junit: globs }),
  }),
});

/** A pipeline as it is written down, checked. */
export type PipelineDefinition = v.InferOutput<typeof pipelineSchema>;

/** One kind of run. */
export type Variant = v.InferOutput<typeof variant>;
