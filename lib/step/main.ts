import { type LoadedSettings, secretsOf } from '../config/index.ts';
import { exitCodeOf, SlipwayError } from '../errors/index.ts';
import { createLog, createMask, jsonSink, type Log, type TextOutput, textSink } from '../log/index.ts';
import { createCleanup } from '../process/index.ts';
import { type CommandLine, parseCommandLine } from './arguments.ts';
import type { StepDefinition, StepSummary } from './definition.ts';
import { helpText } from './help.ts';
import { type Interruption, type OnSignal, watchSignals } from './interrupt.ts';
import { type OpenedContext, openContext } from './open-context.ts';
import { withProvenance } from './provenance.ts';
import { RESULT_SCHEMA, type StepResult, writeResult } from './result.ts';
import { loadStepSettings, type StepSettings } from './step-settings.ts';

/** The outside world of a step; `ci-automation/` fills it in from the process. */
export interface StepIo {
  readonly argv: readonly string[];
  readonly env: Readonly<Record<string, string | undefined>>;
  /** Absolute; the root of the OS tree. */
  readonly cwd: string;
  readonly stdout: (text: string) => void;
  readonly stderr: TextOutput;
  readonly onSignal: OnSignal;
  readonly now: () => Date;
  /** For `--version`. */
  readonly slipwayVersion: string;
  /** Absolute folder of Slipway's own `ci-config.env`, and of the programs that the OS tree's scripts use. */
  readonly slipwayRoot: string;
}

/** Says an error: one that a user can act on as text, any other with its stack as a bug. */
export const reportError = (log: Log, error: unknown): void => {
  if (error instanceof SlipwayError) {
    const { code, message, hint, data } = error;
    log.emit({ kind: 'error', code, message, hint, data });
    return;
  }
  const bug = error instanceof Error ? error : new Error(String(error));
  log.emit({ kind: 'error', code: 'BUG', message: bug.message, stack: bug.stack });
};

/** The log of a command: text, or JSON lines with `--json`. */
export const openLog = (io: Pick<StepIo, 'stderr' | 'now'>, json: boolean, secrets: readonly string[]): Log => {
  const mask = createMask(secrets);
  const sink = json ? jsonSink((line) => io.stderr.write(line), mask, io.now) : textSink(io.stderr, mask);
  return createLog(sink, Date.now, mask);
};

const errorOf = (error: unknown): StepResult['error'] => {
  if (error instanceof SlipwayError) return { code: error.code, message: error.message, hint: error.hint };
  return { code: 'BUG', message: error instanceof Error ? error.message : String(error) };
};

interface Ending {
  readonly exitCode: number;
  readonly outcome: StepResult['outcome'];
  readonly summary?: StepSummary;
  readonly error?: unknown;
}

const endingOf = (thrown: unknown, interruption: Interruption): Ending => {
  const interrupted = interruption.received() !== undefined;
  const error = interrupted ? interruption.signal.reason : thrown;
  return { exitCode: exitCodeOf(error), outcome: interrupted ? 'interrupted' : 'failed', error };
};

/** Runs the body of a step and frees what it took, whatever happens. */
const work = async (
  opened: OpenedContext,
  interruption: Interruption,
  body: () => Promise<StepSummary | undefined>,
) => {
  const { context, log } = opened;
  let ending: Ending;
  try {
    const summary = await body();
    ending = { exitCode: 0, outcome: 'done', summary };
  } catch (error) {
    ending = endingOf(error, interruption);
    reportError(log, ending.error);
  }
  if (ending.outcome === 'interrupted') await context.onInterrupt.runAll();
  await context.cleanup.runAll();
  return ending;
};

/** For example `image-amd64`; a step without an architecture has its bare name. */
const resultName = (step: string, words: readonly string[], arches: readonly string[]): string =>
  [step, ...words.filter((word) => arches.includes(word)).slice(0, 1)].join('-');

const execute = async <Arguments>(
  step: StepDefinition<Arguments>,
  io: StepIo,
  line: CommandLine,
  { loaded, tree }: StepSettings,
  log: Log,
): Promise<number> => {
  const startedAt = io.now();
  const { flags, plan } = line;
  const args = step.parse(line.positionals, { settings: loaded.values, tree, flags, env: io.env, plan });
  for (const warning of loaded.warnings) log.warn(warning);
  log.emit({ kind: 'step-started', step: step.name, args: line.positionals, cwd: io.cwd });
  const interruption = watchSignals(io.onSignal);
  const cleanup = createCleanup(log);
  try {
    const opened = await openContext({
      step: step.name,
      io,
      line,
      settings: loaded.values,
      tree,
      log,
      interruption,
      cleanup,
      usesEngine: step.usesEngine?.(args, loaded.values) ?? true,
    });
    const { context, provenance } = opened;
    const run = { context, provenance, arguments: line.positionals, startedAt, slipwayVersion: io.slipwayVersion };
    const ending = await work(opened, interruption, () => withProvenance(run, () => step.run(context, args)));
    const durationMs = io.now().getTime() - startedAt.getTime();
    const { exitCode, outcome, summary, error } = ending;
    let resultFile: string | undefined;
    if (!line.plan) {
      const result: StepResult = {
        schema: RESULT_SCHEMA,
        step: step.name,
        arguments: line.positionals,
        outcome,
        exitCode,
        startedAt: startedAt.toISOString(),
        durationMs,
        commit: await opened.commit(),
        inputs: opened.context.inputs,
        // What else is known of them is for the statement.
        outputs: [...context.outputs, ...context.published].map(({ path, sizeBytes, sha256 }) => ({
          path,
          sizeBytes,
          sha256,
        })),
        traffic: opened.context.traffic,
        summary,
        error: error === undefined ? undefined : errorOf(error),
      };
      const name = resultName(step.name, line.positionals, tree.arches);
      resultFile = await writeResult(io.cwd, name, result, log.mask);
      io.stdout(`${resultFile}\n`);
    }
    log.emit({ kind: 'step-finished', step: step.name, outcome, exitCode, durationMs, resultFile });
    return exitCode;
  } catch (error) {
    // Opening failed, so nothing was done; free what was opened.
    await cleanup.runAll();
    throw interruption.received() ? interruption.signal.reason : error;
  } finally {
    interruption.close();
  }
};

/** Whether DRY_RUN asks for a plan: in the environment of a step that has dry runs, or as a flag of any step. */
const isDryRun = (step: { readonly hasDryRun?: boolean }, { values, origins }: LoadedSettings): boolean =>
  values.DRY_RUN && (step.hasDryRun === true || origins.DRY_RUN.kind === 'flag');

/**
 * Runs a step as a program: arguments, settings, log, context, result file and exit code.
 *
 * @returns the exit code: 0 done or nothing to do, 1 failed, 2 wrong use, 3 unverified artifact, 130/143 interrupted
 */
export const runStep = async <Arguments>(step: StepDefinition<Arguments>, io: StepIo): Promise<number> => {
  let log = openLog(io, io.argv.includes('--json'), []);
  try {
    const line = parseCommandLine(io.argv, step.name, step.ownFlags);
    if (line.help) {
      io.stdout(helpText(step));
      return 0;
    }
    if (line.version) {
      io.stdout(`slipway ${io.slipwayVersion}\n`);
      return 0;
    }
    const settings = await loadStepSettings(io, line);
    log = openLog(io, line.json, secretsOf(settings.loaded.values));
    const plan = line.plan || isDryRun(step, settings.loaded);
    return await execute(step, { ...io, env: settings.env }, { ...line, plan }, settings, log);
  } catch (error) {
    reportError(log, error);
    return exitCodeOf(error);
  }
};
