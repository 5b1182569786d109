import { join, relative } from 'node:path';
import { type LoadedSettings, secretsOf } from '../config/index.ts';
import { diagnose, failedCommandOf } from '../diagnosis/index.ts';
import { exitCodeOf, SlipwayError } from '../errors/index.ts';
import {
  createLog,
  createMask,
  EVENT_SCHEMA,
  formatCommand,
  jsonSink,
  type Log,
  type Mask,
  type Sink,
  type TextOutput,
  textSink,
} from '../log/index.ts';
import { createCleanup } from '../process/index.ts';
import { createRecording, type Recording } from '../recording/index.ts';
import { type CommandLine, parseCommandLine } from './arguments.ts';
import type { StepDefinition, StepSummary } from './definition.ts';
import { helpText } from './help.ts';
import { type Interruption, type OnSignal, watchSignals } from './interrupt.ts';
import { type OpenedContext, openContext } from './open-context.ts';
import { withProvenance } from './provenance.ts';
import { EVENTS_FOLDER, RESULT_SCHEMA, type StepResult, writeResult } from './result.ts';
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

/**
 * Says an error: one that a user can act on as text, any other with its stack as a bug; with the command that failed and the likely cause, where
 * these are known.
 *
 * @param rerun a line for a POSIX shell that runs again what failed
 */
export const reportError = (log: Log, error: unknown, rerun?: string): void => {
  const known = diagnose(error);
  const more = { command: failedCommandOf(error), cause: known?.cause, fix: known?.fix, rerun };
  if (error instanceof SlipwayError) {
    const { code, message, hint, data } = error;
    log.emit({ kind: 'error', code, message, hint, data, ...more });
    return;
  }
  const bug = error instanceof Error ? error : new Error(String(error));
  log.emit({ kind: 'error', code: 'BUG', message: bug.message, stack: bug.stack, ...more });
};

/** How to run the step again after `error`; nothing for wrong use, which would only be wrong again. */
const rerunLine = (step: string, io: StepIo, error: unknown): string | undefined => {
  if (error instanceof SlipwayError && (error.kind === 'misuse' || error.code === 'INTERRUPTED')) return undefined;
  const script = join(io.slipwayRoot, 'ci-automation', `${step}.ts`);
  return `cd ${formatCommand([io.cwd])} && ${formatCommand([script, ...io.argv])}`;
};

/** Makes a sink that gets all that another one gets; `say` is for what is to be said about the second itself. */
type SecondSink = (mask: Mask, say: Sink) => Sink;

/** The log of a command: text, or JSON lines with `--json`; and a second one. */
export const openLog = (
  io: Pick<StepIo, 'stderr' | 'now'>,
  json: boolean,
  secrets: readonly string[],
  makeSecond?: SecondSink,
): Log => {
  const mask = createMask(secrets);
  const sink = json ? jsonSink((line) => io.stderr.write(line), mask, io.now) : textSink(io.stderr, mask);
  const second = makeSecond?.(mask, sink);
  const both: Sink = (event) => {
    sink(event);
    second?.(event);
  };
  return createLog(both, Date.now, mask);
};

const errorOf = (error: unknown): StepResult['error'] => {
  const known = diagnose(error);
  const more = { cause: known?.cause, fix: known?.fix };
  if (error instanceof SlipwayError) return { code: error.code, message: error.message, hint: error.hint, ...more };
  return { code: 'BUG', message: error instanceof Error ? error.message : String(error), ...more };
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
  report: (error: unknown) => void,
  body: () => Promise<StepSummary | undefined>,
) => {
  const { context } = opened;
  let ending: Ending;
  try {
    const summary = await body();
    ending = { exitCode: 0, outcome: 'done', summary };
  } catch (error) {
    ending = endingOf(error, interruption);
    report(ending.error);
  }
  if (ending.outcome === 'interrupted') await context.onInterrupt.runAll();
  await context.cleanup.runAll();
  return ending;
};

/** For example `image-amd64`; a step without an architecture has its bare name. */
const resultName = (step: string, words: readonly string[], arches: readonly string[]): string =>
  [step, ...words.filter((word) => arches.includes(word)).slice(0, 1)].join('-');

/** Of a file that is somewhere below the root of the tree. */
const pathInTree = (root: string, file: string | undefined): string | undefined =>
  file === undefined ? undefined : relative(root, file);

/** Of a summary, what is one value. */
const plainValues = (summary: StepSummary = {}): Record<string, string | number | boolean> =>
  Object.fromEntries(
    Object.entries(summary).filter((entry): entry is [string, string | number | boolean] =>
      ['string', 'number', 'boolean'].includes(typeof entry[1]),
    ),
  );

const execute = async <Arguments>(
  step: StepDefinition<Arguments>,
  io: StepIo,
  line: CommandLine,
  { loaded, tree }: StepSettings,
  log: Log,
  recording: Recording | undefined,
): Promise<number> => {
  const startedAt = io.now();
  const { flags, plan } = line;
  const args = step.parse(line.positionals, { settings: loaded.values, tree, flags, env: io.env, plan });
  const { name } = step;
  log.emit({ kind: 'step-started', schema: EVENT_SCHEMA, step: name, args: line.positionals, cwd: io.cwd, plan });
  for (const warning of loaded.warnings) log.warn(warning);
  const interruption = watchSignals(io.onSignal);
  const cleanup = createCleanup(log);
  const report = (error: unknown): void => reportError(log, error, rerunLine(name, io, error));
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
    const ending = await work(opened, interruption, report, () => withProvenance(run, () => step.run(context, args)));
    const durationMs = io.now().getTime() - startedAt.getTime();
    const { exitCode, outcome, summary, error } = ending;
    const commit = await opened.commit();
    log.emit({ kind: 'facts', values: { ...plainValues(summary), ...(commit === undefined ? {} : { commit }) } });
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
        commit,
        inputs: opened.context.inputs,
        // What else is known of them is for the statement.
        outputs: [...context.outputs, ...context.published].map(({ path, sizeBytes, sha256 }) => ({
          path,
          sizeBytes,
          sha256,
        })),
        traffic: opened.context.traffic,
        statement: provenance.statement,
        events: pathInTree(io.cwd, recording?.file()),
        summary,
        error: error === undefined ? undefined : errorOf(error),
      };
      const name = resultName(step.name, line.positionals, tree.arches);
      resultFile = await writeResult(io.cwd, name, result, log.mask, recording?.file());
      io.stdout(`${resultFile}\n`);
    }
    log.emit({ kind: 'step-finished', step: step.name, outcome, exitCode, durationMs, resultFile });
    return exitCode;
  } catch (error) {
    // Opening failed, so nothing was done; free what was opened.
    await cleanup.runAll();
    const ending = endingOf(error, interruption);
    report(ending.error);
    const durationMs = io.now().getTime() - startedAt.getTime();
    log.emit({ kind: 'step-finished', step: name, outcome: ending.outcome, exitCode: ending.exitCode, durationMs });
    return ending.exitCode;
  } finally {
    interruption.close();
  }
};

/** Opens the file that everything is recorded in that the step says. */
const recordStep = ({ cwd, now }: StepIo, name: string, { loaded }: StepSettings, mask: Mask, say: Sink): Recording =>
  createRecording({
    folder: join(cwd, EVENTS_FOLDER),
    step: name,
    run: loaded.values.SLIPWAY_RUN,
    mask,
    now,
    onTrouble: (text) => say({ kind: 'warning', text }),
  });

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
  let recording: Recording | undefined;
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
    const plan = line.plan || isDryRun(step, settings.loaded);
    log = openLog(io, line.json, secretsOf(settings.loaded.values), (mask, say) => {
      // A plan changes nothing, not even that.
      if (!plan)
        recording = recordStep(io, resultName(step.name, line.positionals, settings.tree.arches), settings, mask, say);
      return recording?.sink ?? (() => {});
    });
    return await execute(step, { ...io, env: settings.env }, { ...line, plan }, settings, log, recording);
  } catch (error) {
    reportError(log, error);
    return exitCodeOf(error);
  } finally {
    recording?.close();
  }
};
