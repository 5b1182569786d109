import { fold, type Html, html, table } from '../../html/index.ts';
import { formatCommand, formatDuration } from '../../log/index.ts';
import type { CommandModel, PhaseModel, StepModel } from '../model/types.ts';
import type { ShownRun, ShownStep } from './choose.ts';
import { type Bar, gantt } from './gantt.ts';
import { anchors, callText, countOf, duration, endingOf, isBad, moment, outcomeBadge, outcomeWord } from './words.ts';

/** More bars than this nobody reads; the longest are drawn. */
const MOST_BARS = 60;

const stepBar = (step: StepModel): Bar => ({
  ...step,
  label: callText(step),
  depth: 0,
  look: 'step',
  isBad: isBad(step.outcome),
  ending: outcomeWord(step.outcome),
});

const phaseBar = (phase: PhaseModel): Bar => ({
  ...phase,
  label: phase.name,
  depth: phase.depth + 1,
  look: 'phase',
  isBad: isBad(phase.outcome),
  ending: outcomeWord(phase.outcome),
});

const commandBar = (command: CommandModel, depth: number): Bar => ({
  ...command,
  label: formatCommand(command.command),
  depth,
  look: 'command',
  isBad: command.state === 'failed',
  ending: endingOf(command),
});

const lengthOf = ({ startedMs, endedMs }: Bar): number => endedMs - startedMs;

/** The longest ones, and those that failed, in their order. */
const longest = (bars: readonly Bar[]): Bar[] => {
  if (bars.length <= MOST_BARS) return [...bars];
  const chosen = new Set(
    bars.toSorted((a, b) => Number(b.isBad) - Number(a.isBad) || lengthOf(b) - lengthOf(a)).slice(0, MOST_BARS),
  );
  return bars.filter((bar) => chosen.has(bar));
};

const drawn = (shown: readonly Bar[], all: number): string =>
  shown.length === all ? '' : ` Drawn are the ${shown.length} longest of ${all}.`;

const byStart = (a: Bar, b: Bar): number => a.startedMs - b.startedMs || b.endedMs - a.endedMs || a.depth - b.depth;

/** Phases and commands of a step as the code calls them: each below what it is in. */
const barsInside = (step: StepModel): Bar[] => {
  const depthOf = new Map(step.phases.map(({ id, depth }) => [id, depth + 1]));
  const commands = step.commands.map((one) => commandBar(one, (depthOf.get(one.phase ?? -1) ?? 0) + 1));
  return [...step.phases.map(phaseBar), ...commands].sort(byStart);
};

const commandTable = (step: StepModel, index: number): Html =>
  table({
    caption: `Phases and commands of ${callText(step)}`,
    columns: [
      { title: 'Phase or command' },
      { title: 'Outcome' },
      { title: 'Started after', isNumber: true },
      { title: 'Time', isNumber: true },
    ],
    rows: [
      ...step.phases.map((phase) => ({
        startedMs: phase.startedMs,
        cells: [html`<a href="#${anchors.phase(index, phase.id)}">${phase.name}</a>`, outcomeBadge(phase.outcome)],
        ...{ endedMs: phase.endedMs },
      })),
      ...step.commands.map((command) => ({
        startedMs: command.startedMs,
        cells: [
          html`<a href="#${anchors.command(index, command.id)}"><code>${formatCommand(command.command).slice(0, 200)}</code></a>`,
          command.state === 'failed' ? html`<strong>${endingOf(command)}</strong>` : endingOf(command),
        ],
        ...{ endedMs: command.endedMs },
      })),
    ]
      .sort((a, b) => a.startedMs - b.startedMs)
      .map(({ cells, ...time }) => [...cells, formatDuration(time.startedMs - step.startedMs), duration(time)]),
  });

const stepDetails = (step: ShownStep, index: number): Html => {
  const all = barsInside(step);
  if (all.length === 0) return html``;
  const shown = longest(all);
  const gist = `${countOf(step.phases.length, 'phase')} and ${countOf(step.allCommands, 'command')} in ${duration(step)}.${drawn(shown, step.phases.length + step.allCommands)}`;
  return fold({
    summary: html`Commands of <strong>${callText(step)}</strong> <span class="quiet">(${gist.replace(/\.$/, '')})</span>`,
    body: [
      gantt(`gantt-${index + 1}`, `Phases and commands of ${callText(step)}`, gist, shown),
      fold({ summary: 'The same as a table', body: commandTable(step, index) }),
    ],
  });
};

const overviewTable = (run: ShownRun): Html =>
  table({
    caption: 'Steps and phases over time',
    columns: [
      { title: 'Step or phase' },
      { title: 'Outcome' },
      { title: 'Started' },
      { title: 'Time', isNumber: true },
    ],
    rows: run.steps.flatMap((step, index) => [
      [
        html`<a href="#${anchors.step(index)}"><strong>${callText(step)}</strong></a>`,
        outcomeBadge(step.outcome),
        moment(step.startedMs),
        duration(step),
      ],
      ...step.phases.map((phase) => [
        html`<a class="inner depth-${Math.min(4, phase.depth + 1)}" href="#${anchors.phase(index, phase.id)}">${phase.name}</a>`,
        outcomeBadge(phase.outcome),
        moment(phase.startedMs),
        duration(phase),
      ]),
    ]),
  });

/** What ran when: steps and phases in one chart, the commands of each step in one of its own. */
export const timelineSection = (run: ShownRun): Html => {
  const all = run.steps.flatMap((step) => [stepBar(step), ...step.phases.map(phaseBar)]);
  const steps = all.filter(({ look }) => look === 'step');
  const shown = longest(all);
  const slowest = steps.toSorted((a, b) => lengthOf(b) - lengthOf(a))[0];
  const gist = `${countOf(steps.length, 'step')} in ${duration(run)}; the longest is ${slowest?.label} with ${formatDuration(slowest ? lengthOf(slowest) : 0)}.${drawn(shown, all.length)}`;
  return html`<section aria-labelledby="timeline"><h2 id="timeline">Timeline</h2>
<p>${gist}</p>
${gantt('gantt', 'Steps and phases over time', gist, shown)}
${fold({ summary: 'The same as a table', body: overviewTable(run) })}
${run.steps.map(stepDetails)}</section>`;
};
