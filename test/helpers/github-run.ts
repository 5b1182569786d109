/**
 * Runs a workflow of GitHub Actions: read by GitHub's own parser, expressions evaluated by GitHub's own evaluator, jobs executed by this program.
 * Each job, and each leg of a matrix, has a clone of its own; `uses:` knows checkout and upload-artifact, `run:` is what it says.
 *
 * node --import ./json-imports.mjs github-run.ts REQUEST.json; the answer is in `state.json` of the request's folder. Exit code: 0 all went well,
 * 1 a job failed, 3 the workflow is wrong.
 */
import { spawnSync } from 'node:child_process';
import { cpSync, existsSync, mkdirSync, mkdtempSync, readFileSync, writeFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { data, Evaluator, Lexer, Parser } from '@actions/expressions';
import { convertWorkflowTemplate, NoOperationTraceWriter, parseWorkflow } from '@actions/workflow-parser';
import { load } from 'js-yaml';

/** What to run. */
export interface GithubRequest {
  /** Absolute path of the workflow. */
  readonly workflow: string;
  /** URL of the repository. */
  readonly repository: string;
  /** Absolute; workspaces, artifacts and `state.json` go here. */
  readonly folder: string;
  /** Of workflow_dispatch; undefined for a run that a schedule started. */
  readonly inputs?: Readonly<Record<string, string>>;
  readonly secrets: Readonly<Record<string, string>>;
  /** Only jobs that did not go well in the last run, with the outputs of the others. */
  readonly onlyFailed?: boolean;
}

/** How a job went. */
export interface GithubJob {
  readonly outcome: 'success' | 'failure' | 'skipped';
  readonly outputs: Readonly<Record<string, string>>;
  /** One Markdown text for each leg. */
  readonly summaries: readonly string[];
}

type Values = Readonly<Record<string, unknown>>;
interface Step {
  readonly id?: string;
  readonly if?: string;
  readonly uses?: string;
  readonly run?: string;
  readonly with?: Readonly<Record<string, string | number>>;
  readonly env?: Readonly<Record<string, string>>;
}
interface Job {
  readonly needs?: readonly string[];
  readonly strategy?: { readonly matrix: Readonly<Record<string, readonly string[]>> };
  readonly outputs?: Readonly<Record<string, string>>;
  readonly steps: readonly Step[];
}
interface Workflow {
  readonly env?: Readonly<Record<string, string>>;
  readonly on: {
    readonly workflow_dispatch: { readonly inputs: Readonly<Record<string, { readonly default: string }>> };
  };
  readonly jobs: Readonly<Record<string, Job>>;
}

const request = JSON.parse(readFileSync(process.argv[2] ?? '', 'utf8')) as GithubRequest;
const text = readFileSync(request.workflow, 'utf8');

const toData = (value: unknown): data.ExpressionData => {
  if (typeof value === 'string') return new data.StringData(value);
  if (typeof value === 'number') return new data.NumberData(value);
  if (typeof value === 'boolean') return new data.BooleanData(value);
  if (value === null || value === undefined) return new data.Null();
  const pairs = Object.entries(value).map(([key, one]) => ({ key, value: toData(one) }));
  return new data.Dictionary(...pairs);
};

const evaluate = (expression: string, contexts: Values, failed: boolean): data.ExpressionData => {
  const constant = (name: string, value: boolean) => ({
    name,
    description: '',
    minArgs: 0,
    maxArgs: 0,
    call: () => new data.BooleanData(value),
  });
  const functions = [constant('always', true), constant('success', !failed), constant('failure', failed)];
  const { tokens } = new Lexer(expression).lex();
  const parsed = new Parser(tokens, Object.keys(contexts), functions).parse();
  const dictionary = toData(contexts) as data.Dictionary;
  return new Evaluator(parsed, dictionary, new Map(functions.map((one) => [one.name, one]))).evaluate();
};

const fill = (value: string | number, contexts: Values): string =>
  String(value).replace(/\$\{\{(.*?)\}\}/g, (_, expression: string) =>
    evaluate(expression.trim(), contexts, false).coerceString(),
  );

const fillAll = (values: Readonly<Record<string, string | number>> = {}, contexts: Values): Record<string, string> =>
  Object.fromEntries(Object.entries(values).map(([name, value]) => [name, fill(value, contexts)]));

const readOutputs = (file: string): Record<string, string> =>
  Object.fromEntries(
    readFileSync(file, 'utf8')
      .split('\n')
      .filter(Boolean)
      .map((line) => [line.slice(0, line.indexOf('=')), line.slice(line.indexOf('=') + 1)]),
  );

const USES: Readonly<Record<string, (workspace: string, options: Record<string, string>) => number>> = {
  'actions/checkout': (workspace, options) => {
    const depth = options['fetch-depth'] === '0' ? [] : ['--depth=1'];
    return spawnSync('git', ['clone', '--quiet', ...depth, request.repository, workspace]).status ?? 1;
  },
  'actions/upload-artifact': (workspace, { name = '', path = '' }) => {
    const target = join(request.folder, 'artifacts', name);
    // GitHub refuses a second artifact of a name.
    if (existsSync(target) && !request.onlyFailed) return 1;
    if (existsSync(join(workspace, path))) cpSync(join(workspace, path), target, { recursive: true });
    return 0;
  },
};

const { GITHUB_ACTIONS: _, ...ownEnvironment } = process.env;

/** One job, or one leg of its matrix. */
const runLeg = (id: string, job: Job, base: Values, workflow: Workflow) => {
  const workspace = mkdtempSync(join(request.folder, `${id}-`));
  const files = mkdtempSync(join(request.folder, 'files-'));
  const summaryFile = join(files, 'summary');
  writeFileSync(summaryFile, '');
  const steps: Record<string, unknown> = {};
  let failed = false;
  for (const [at, step] of job.steps.entries()) {
    const contexts = { ...base, steps };
    if (evaluate(step.if ?? 'success()', contexts, failed).coerceString() !== 'true') continue;
    const outputFile = join(files, `output-${at}`);
    writeFileSync(outputFile, '');
    let status: number;
    if (step.uses !== undefined) {
      const [name = '', version = ''] = step.uses.split('@');
      const use = USES[name];
      if (!use || !/^[0-9a-f]{40}$/.test(version)) throw new Error(`cannot use ${step.uses}`);
      status = use(workspace, fillAll(step.with, contexts));
    } else {
      const env = {
        ...ownEnvironment,
        ...fillAll(workflow.env, contexts),
        ...fillAll(step.env, contexts),
        GITHUB_ACTIONS: 'true',
        GITHUB_OUTPUT: outputFile,
        GITHUB_STEP_SUMMARY: summaryFile,
      };
      status = spawnSync('bash', ['-e', '-c', step.run ?? ''], { cwd: workspace, env, stdio: 'inherit' }).status ?? 1;
    }
    if (step.id !== undefined) steps[step.id] = { outputs: readOutputs(outputFile) };
    if (status !== 0) failed = true;
  }
  return { failed, steps, summary: readFileSync(summaryFile, 'utf8') };
};

const legsOf = ({ strategy }: Job): Values[] =>
  Object.entries(strategy?.matrix ?? {}).reduce<Values[]>(
    (legs, [name, values]) => legs.flatMap((leg) => values.map((value) => ({ ...leg, [name]: value }))),
    [{}],
  );

const validate = async (): Promise<void> => {
  const parsed = parseWorkflow({ name: basename(request.workflow), content: text }, new NoOperationTraceWriter());
  const errors = parsed.context.errors.getErrors().map(({ message }) => message);
  const template = parsed.value ? await convertWorkflowTemplate(parsed.context, parsed.value) : undefined;
  const all = [...errors, ...(template?.errors ?? []).map(({ Message }) => Message)];
  if (all.length === 0) return;
  process.stderr.write(`${all.join('\n')}\n`);
  process.exit(3);
};

await validate();
mkdirSync(request.folder, { recursive: true });
const workflow = load(text) as Workflow;
const stateFile = join(request.folder, 'state.json');
const before = request.onlyFailed ? (JSON.parse(readFileSync(stateFile, 'utf8')) as Record<string, GithubJob>) : {};
const defaults = Object.entries(workflow.on.workflow_dispatch.inputs).map(([name, input]) => [name, input.default]);
const inputs = request.inputs === undefined ? {} : { ...Object.fromEntries(defaults), ...request.inputs };
const jobs: Record<string, GithubJob> = {};
for (const [id, job] of Object.entries(workflow.jobs)) {
  const kept = before[id];
  const needed = job.needs ?? [];
  if (kept?.outcome === 'success') {
    jobs[id] = kept;
  } else if (needed.some((need) => jobs[need]?.outcome !== 'success')) {
    jobs[id] = { outcome: 'skipped', outputs: {}, summaries: [] };
  } else {
    const needs = Object.fromEntries(needed.map((need) => [need, { outputs: jobs[need]?.outputs ?? {} }]));
    const ends = legsOf(job).map((matrix, index) => {
      const strategy = { 'job-index': index };
      return { matrix, end: runLeg(id, job, { inputs, needs, matrix, strategy, secrets: request.secrets }, workflow) };
    });
    const last = ends.at(-1)?.end;
    jobs[id] = {
      outcome: ends.some(({ end }) => end.failed) ? 'failure' : 'success',
      outputs: fillAll(job.outputs, { steps: last?.steps ?? {} }),
      summaries: ends.map(({ end }) => end.summary),
    };
  }
}
writeFileSync(stateFile, JSON.stringify(jobs));
process.exitCode = Object.values(jobs).every(({ outcome }) => outcome === 'success') ? 0 : 1;
