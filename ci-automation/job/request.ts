import { nearest } from '../../lib/config/index.ts';
import { slipwayError } from '../../lib/errors/index.ts';
import { FIRST_STEP, type MatrixValues, type PipelineDefinition, type Variant } from '../../lib/pipeline/index.ts';

type Environment = Readonly<Record<string, string | undefined>>;

/** What travels as the tag when nothing changed since the last build: every job then ends well at once. */
export const NOTHING_TO_BUILD = 'none';

/** What a job was asked for. */
export interface JobRequest {
  readonly step: string;
  readonly matrix: MatrixValues;
  readonly variantName: string;
  readonly variant: Variant;
  /** The version that somebody asked for; undefined: nobody did. */
  readonly version: string | undefined;
  readonly seed: string;
  /** What the first job tagged; undefined for the first job itself. */
  readonly tag: string | undefined;
}

const ask = (env: Environment, name: string): string | undefined => env[name]?.trim() || undefined;

const usage = (pipeline: PipelineDefinition): string =>
  Object.entries(pipeline.steps)
    .map(([name, { for: dimensions }]) => {
      const words = dimensions.map((one) => ({ arches: ' ARCH', formats: ' FORMAT...', tests: ' FORMAT' })[one]);
      return `job ${name}${words.join('')}`;
    })
    .concat('job cleanup')
    .join('\n');

/** The values of the matrix, from the words after the step. */
const parseMatrix = (pipeline: PipelineDefinition, words: readonly string[]): MatrixValues => {
  const [step = '', ...rest] = words;
  const dimensions = pipeline.steps[step]?.for ?? [];
  const arch = dimensions.includes('arches') ? rest.shift() : undefined;
  const formats = dimensions.includes('formats') ? rest.splice(0) : undefined;
  const test = dimensions.includes('tests') ? rest.shift() : undefined;
  const isComplete =
    (arch !== undefined || !dimensions.includes('arches')) &&
    formats?.length !== 0 &&
    (test !== undefined || !dimensions.includes('tests'));
  if (!isComplete || rest.length > 0)
    throw slipwayError('ARGUMENTS_WRONG', { step: 'job', usage: usage(pipeline), seen: words });
  return { arch, formats, test };
};

const findVariant = ({ variants }: PipelineDefinition, asked: string | undefined) => {
  const known = Object.keys(variants);
  const variantName = asked ?? known[0] ?? '';
  const variant = Object.hasOwn(variants, variantName) ? variants[variantName] : undefined;
  if (!variant) {
    const near = nearest(variantName, known);
    throw slipwayError('JOB_PARAMETER_INVALID', { name: 'PIPELINE_VARIANT', value: variantName, known, nearest: near });
  }
  return { variantName, variant };
};

/**
 * What the words and the parameters of a run ask for.
 *
 * @param words after `job.ts`
 * @throws ARGUMENTS_WRONG, JOB_PARAMETER_INVALID, JOB_PARAMETER_MISSING
 */
export const parseJobRequest = (
  pipeline: PipelineDefinition,
  words: readonly string[],
  env: Environment,
): JobRequest => {
  const [step = ''] = words;
  const known = Object.keys(pipeline.steps);
  if (!known.includes(step))
    throw slipwayError('ARGUMENTS_WRONG', { step: 'job', usage: usage(pipeline), seen: words });
  const { variantName, variant } = findVariant(pipeline, ask(env, 'PIPELINE_VARIANT'));
  const version = ask(env, 'PIPELINE_VERSION');
  const tag = step === FIRST_STEP ? undefined : ask(env, 'PIPELINE_TAG');
  const matrix = parseMatrix(pipeline, words);
  const common = {
    step,
    matrix,
    variantName,
    variant,
    version,
    seed: ask(env, 'PIPELINE_SEED') ?? pipeline.seed ?? '',
  };
  if (step === FIRST_STEP && variant.version === 'given' && version === undefined) {
    const why = `a run of the variant ${variantName} is told which version to make`;
    throw slipwayError('JOB_PARAMETER_MISSING', { name: 'PIPELINE_VERSION', why });
  }
  if (step !== FIRST_STEP && tag === undefined && !variant.without.includes(step)) {
    const why = `the job '${FIRST_STEP}' left it in ${pipeline.artifacts.folder}/pipeline.env, and the CI hands it on`;
    throw slipwayError('JOB_PARAMETER_MISSING', { name: 'PIPELINE_TAG', why });
  }
  return { ...common, tag };
};

/** The arguments of the step, from the definition's. */
export const argumentsOf = (pipeline: PipelineDefinition, { step, matrix, tag, seed }: JobRequest): string[] => {
  const values: Readonly<Record<string, string>> = {
    version: tag ?? '',
    seed,
    arch: matrix.arch ?? '',
    test: matrix.test ?? '',
  };
  return (pipeline.steps[step]?.arguments ?? []).flatMap((word) =>
    word === '${formats}'
      ? (matrix.formats ?? [])
      : [word.replace(/\$\{(\w+)\}/g, (_, key: string) => values[key] ?? (matrix.formats ?? []).join(','))],
  );
};
