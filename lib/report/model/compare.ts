import { callOf } from './identity.ts';
import type { BytesModel, ComparisonModel, PhaseModel, StepModel } from './types.ts';

/** So many earlier runs say what is usual; older ones were of another machine or another OS. */
const MOST_EARLIER = 5;

/** The middle one; the lower of the two in the middle, so that it is a figure that there was. */
export const medianOf = (figures: readonly number[]): number | undefined =>
  figures.toSorted((a, b) => a - b)[Math.floor((figures.length - 1) / 2)];

const movedOf = ({ up, down }: BytesModel): number => up + down;

/** Figures by path of names; several of one path, such as a phase that was tried again, together. */
type Figures = Map<
  string,
  { readonly path: readonly string[]; readonly durationMs: number; readonly movedBytes: number }
>;

const pathOf = (phase: PhaseModel, byId: ReadonlyMap<number, PhaseModel>): string[] => {
  const path: string[] = [];
  const seen = new Set<number>();
  for (let at: PhaseModel | undefined = phase; at && !seen.has(at.id); at = byId.get(at.parent ?? -1)) {
    seen.add(at.id);
    path.unshift(at.name);
  }
  return path;
};

const figuresOf = (step: StepModel): Figures => {
  const figures: Figures = new Map();
  const add = (path: readonly string[], durationMs: number, movedBytes: number): void => {
    const key = JSON.stringify(path);
    const before = figures.get(key) ?? { durationMs: 0, movedBytes: 0 };
    figures.set(key, { path, durationMs: before.durationMs + durationMs, movedBytes: before.movedBytes + movedBytes });
  };
  const call = callOf(step);
  add([call], step.endedMs - step.startedMs, movedOf(step.bytes));
  const byId = new Map(step.phases.map((phase) => [phase.id, phase]));
  for (const phase of step.phases) {
    add([call, ...pathOf(phase, byId)], phase.endedMs - phase.startedMs, movedOf(phase.bytes));
  }
  return figures;
};

/** Only what ended well says how long it takes. */
const earlierOf = (step: StepModel, earlier: readonly StepModel[]): Figures[] =>
  earlier
    .filter((one) => one.outcome === 'done' && one.startedMs < step.startedMs && callOf(one) === callOf(step))
    .slice(-MOST_EARLIER)
    .map(figuresOf);

/** Time and bytes of each step and phase beside those of the last runs of the same call that ended well. */
export const compareRuns = (
  steps: readonly StepModel[],
  earlier: readonly StepModel[],
): { readonly comparisons: ComparisonModel[]; readonly earlierRuns: number } => {
  let earlierRuns = 0;
  const comparisons = steps.flatMap((step) => {
    const before = earlierOf(step, earlier);
    earlierRuns = Math.max(earlierRuns, before.length);
    return [...figuresOf(step)].map(([key, { path, durationMs, movedBytes }]) => {
      const others = before.flatMap((figures) => figures.get(key) ?? []);
      return {
        path,
        durationMs: { now: durationMs, before: medianOf(others.map((one) => one.durationMs)) },
        movedBytes: { now: movedBytes, before: medianOf(others.map((one) => one.movedBytes)) },
      };
    });
  });
  return { comparisons, earlierRuns };
};
