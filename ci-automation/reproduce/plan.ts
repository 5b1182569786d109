import { slipwayError } from '../../lib/errors/index.ts';
import { type LoadedStatement, type StatementReader, versionOfPath } from '../../lib/provenance/index.ts';
import { parseVersionNumber } from '../../lib/version/index.ts';
import { type ReproduceRequest, STEPS, type StepName } from './arguments.ts';

/** An artifact as a statement names it. */
export interface StatedArtifact {
  readonly path: string;
  /** 64 hex digits. */
  readonly sha256: string;
}

/** A container image as a statement names it. */
export interface StatedImage {
  readonly name: string;
  /** With `-` for `+`. */
  readonly version: string;
  /** 64 hex digits. */
  readonly id: string;
}

/** One step to run again. */
export interface PlannedRun {
  /** Names its folder. */
  readonly key: string;
  readonly step: StepName;
  readonly args: readonly string[];
  readonly settings: Readonly<Record<string, string>>;
  /** Where the statement says that it was built from. */
  readonly url: string;
  readonly tag: string;
  readonly commit: string;
  readonly inputs: readonly StatedArtifact[];
  readonly images: readonly StatedImage[];
  readonly outputs: readonly StatedArtifact[];
  /** Of the statement, in the cache. */
  readonly statement: string;
}

/** What is to be done, as it is kept for a later call without a network. */
export interface ReproducePlan {
  readonly schema: 1;
  /** Cache form. */
  readonly version: string;
  /** The runs follow each other in one checkout and one cache; else each starts from what was published. */
  readonly isChained: boolean;
  readonly runs: readonly PlannedRun[];
}

const isStepName = (name: string): name is StepName => (STEPS as readonly string[]).includes(name);

/** The step as it is called on a checkout that has its tag already. */
const argumentsAgain = (step: StepName, args: readonly string[]): readonly string[] =>
  step === 'packages' ? args.slice(-1) : args;

const toRun = ({ path, statement }: LoadedStatement): PlannedRun | undefined => {
  const { step, arch, arguments: args, dependencies } = statement;
  const source = dependencies.find((one) => one.kind === 'source');
  if (!isStepName(step) || source?.kind !== 'source' || source.tag === undefined) return undefined;
  const { url, tag, commit } = source;
  return {
    key: [step, arch].filter(Boolean).join('-'),
    step,
    args: argumentsAgain(step, args),
    settings: statement.settings,
    ...{ url, tag, commit },
    inputs: dependencies.flatMap((one) => (one.kind === 'artifact' ? [{ path: one.path, sha256: one.sha256 }] : [])),
    images: dependencies.flatMap((one) =>
      one.kind === 'image' ? [{ name: one.name, version: one.version, id: one.id }] : [],
    ),
    outputs: [...statement.subjects].map(([path, { sha256 }]) => ({ path, sha256 })),
    statement: path,
  };
};

/** Of several runs of a step with the same arguments the newest counts. */
const newestOfEach = (statements: readonly LoadedStatement[]): LoadedStatement[] => {
  const oldestFirst = [...statements].sort((a, b) => (a.statement.finishedOn < b.statement.finishedOn ? -1 : 1));
  return [...new Map(oldestFirst.map((one) => [callOf(one), one])).values()];
};

const callOf = ({ statement }: LoadedStatement): string =>
  JSON.stringify([statement.step, argumentsAgain(statement.step as StepName, statement.arguments)]);

const requireTrust = (version: string, statements: readonly LoadedStatement[]): void => {
  const faults = statements.flatMap(({ path, signedBy }) =>
    signedBy.state === 'untrusted' ? [`${path}: ${signedBy.why}`] : [],
  );
  if (faults.length > 0) throw slipwayError('REPRODUCE_UNTRUSTED', { version, faults });
};

const madeFormats = ({ statement }: LoadedStatement, formats: readonly string[] | undefined): boolean =>
  statement.step !== 'vms' || !formats || formats.some((format) => statement.arguments.includes(format));

/** Runs in the order of the pipeline, each with a name of its own. */
const inOrder = (runs: readonly PlannedRun[]): PlannedRun[] => {
  const counts = new Map<string, number>();
  return [...runs]
    .sort((a, b) => STEPS.indexOf(a.step) - STEPS.indexOf(b.step) || (a.statement < b.statement ? -1 : 1))
    .map((run) => {
      const count = (counts.get(run.key) ?? 0) + 1;
      counts.set(run.key, count);
      return count === 1 ? run : { ...run, key: `${run.key}-${count}` };
    });
};

/** Where statements are read, for messages. */
interface PlanParts {
  readonly reader: StatementReader;
  readonly location: string;
}

/** The statements on the steps that made what some steps consumed, and so on back to the SDK's bootstrap. */
const makersOf = async (wanted: readonly LoadedStatement[], { reader }: PlanParts): Promise<LoadedStatement[]> => {
  const found = new Map<string, LoadedStatement>();
  const queue = [...wanted];
  for (let one = queue.shift(); one; one = queue.shift()) {
    if (found.has(one.path)) continue;
    found.set(one.path, one);
    // What the SDK was bootstrapped from is where everything starts.
    if (one.statement.step === 'sdk_bootstrap') continue;
    for (const dependency of one.statement.dependencies) {
      const path =
        dependency.kind === 'artifact'
          ? dependency.path
          : dependency.kind === 'image'
            ? `containers/${dependency.version}/${dependency.name}-${dependency.version}.id`
            : undefined;
      const version = path === undefined ? undefined : versionOfPath(path);
      if (path === undefined || version === undefined) continue;
      const makers = (await reader.ofVersion(version)).good.filter(({ statement }) => statement.subjects.has(path));
      queue.push(...newestOfEach(makers));
    }
  }
  return [...found.values()];
};

/**
 * Plans from the statements in the cache how to build a version again.
 *
 * @throws REPRODUCE_NOTHING, REPRODUCE_UNTRUSTED
 */
export const planReproduction = async (
  version: string,
  { steps, areStepsNamed, formats, fromScratch }: ReproduceRequest,
  parts: PlanParts,
): Promise<ReproducePlan> => {
  const { good } = await parts.reader.ofVersion(parseVersionNumber(version).cacheForm);
  const usable = newestOfEach(good.filter((one) => toRun(one) !== undefined));
  const { location } = parts;
  const missing = steps.find((step) => !usable.some(({ statement }) => statement.step === step));
  // Without being asked for them, vendor images that nobody made are not missed.
  if (missing !== undefined && (areStepsNamed || missing === 'image')) {
    const known = [...new Set(usable.map(({ statement }) => statement.step))];
    throw slipwayError('REPRODUCE_NOTHING', { version, what: missing, location, known });
  }
  const wanted = usable.filter(
    (one) => (steps as readonly string[]).includes(one.statement.step) && madeFormats(one, formats),
  );
  const statements = fromScratch ? await makersOf(wanted, parts) : wanted;
  requireTrust(version, statements);
  const runs = statements.map(toRun).filter((run) => run !== undefined);
  return { schema: 1, version, isChained: fromScratch, runs: inOrder(runs) };
};

/** What a run needs that no earlier run of a chain makes. */
export const neededBy = (run: PlannedRun, { isChained, runs }: ReproducePlan) => {
  const made = new Set(isChained ? runs.flatMap(({ outputs }) => outputs.map(({ path }) => path)) : []);
  // What versions share (the store of binary packages) only saves time, and from scratch everything is built.
  const isWanted = ({ path }: StatedArtifact): boolean =>
    !made.has(path) && !(isChained && versionOfPath(path) === undefined);
  return {
    inputs: run.inputs.filter(isWanted),
    images: run.images.filter(({ name, version }) => !made.has(`containers/${version}/${name}-${version}.id`)),
  };
};
