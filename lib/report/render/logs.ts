import { fold, type Html, html } from '../../html/index.ts';
import { formatCommand } from '../../log/index.ts';
import type { CommandModel, NoteModel, OutputModel, PhaseModel, StepModel } from '../model/types.ts';
import type { ShownStep } from './choose.ts';
import { failedCommandOf } from './failure.ts';
import { anchors, callText, countOf, duration, endingOf, outcomeBadge } from './words.ts';

/** A line of the page for it would be longer than anybody reads. */
const MOST_COMMAND_CHARACTERS = 240;

const leftOutLine = ({ leftOut }: OutputModel): Html =>
  html`<p class="left-out">${leftOut.toLocaleString('en')} lines are left out here; all of them are in the file of events.</p>`;

const outputText = (output: OutputModel): Html => {
  if (output.lines === 0) return html`<p class="quiet">It printed nothing.</p>`;
  const text = (lines: readonly string[]): Html => html`<pre tabindex="0">${lines.join('\n')}</pre>`;
  if (output.leftOut === 0) return text([...output.head, ...output.tail]);
  return html`${output.head.length > 0 && text(output.head)}${leftOutLine(output)}${text(output.tail)}`;
};

const shorten = (text: string): string =>
  text.length <= MOST_COMMAND_CHARACTERS ? text : `${text.slice(0, MOST_COMMAND_CHARACTERS)}…`;

const commandFold = (command: CommandModel, step: number, isCulprit: boolean): Html => {
  const line = formatCommand(command.command);
  const isBad = command.state === 'failed';
  return fold({
    id: anchors.command(step, command.id),
    isOpen: isCulprit,
    summary: html`<code${isBad ? html` class="failed"` : html``}>${isBad && '✗ '}${shorten(line)}</code> <span class="quiet">${endingOf(command)}, ${duration(command)}, ${countOf(command.output.lines, 'line')}</span>`,
    body: html`<p class="quiet">in <code>${command.cwd}</code></p>${line.length > MOST_COMMAND_CHARACTERS && html`<pre>${line}</pre>`}${outputText(command.output)}`,
  });
};

const noteLine = ({ tone, text }: NoteModel): Html =>
  tone === 'warning' ? html`<p class="note warning">warning: ${text}</p>` : html`<p class="note">${text}</p>`;

/** Everything in a phase (or outside of all), in the order in which it happened. */
const contentOf = (step: StepModel, index: number, culprit: CommandModel | undefined) => {
  const known = new Set(step.phases.map(({ id }) => id));
  /** What names a phase that there is no word of is outside of all. */
  const placeOf = (phase: number | undefined): number | undefined =>
    phase !== undefined && known.has(phase) ? phase : undefined;
  const inside = (phase: number | undefined, depth: number): Html[] => {
    if (depth > step.phases.length) return [];
    return [
      ...step.phases
        .filter(({ id, parent }) => id !== phase && placeOf(parent) === phase)
        .map((one) => ({ timeMs: one.startedMs, markup: phaseBlock(one, depth) })),
      ...step.commands
        .filter((one) => placeOf(one.phase) === phase)
        .map((one) => ({ timeMs: one.startedMs, markup: commandFold(one, index, one === culprit) })),
      ...step.notes
        .filter((one) => placeOf(one.phase) === phase)
        .map((one) => ({ timeMs: one.timeMs, markup: noteLine(one) })),
    ]
      .sort((a, b) => a.timeMs - b.timeMs)
      .map(({ markup }) => markup);
  };
  const phaseBlock = (phase: PhaseModel, depth: number): Html =>
    html`<div class="phase" id="${anchors.phase(index, phase.id)}"><p class="phase-name"><strong>${phase.name}</strong> ${outcomeBadge(phase.outcome)} <span class="quiet">${duration(phase)}</span></p>
${inside(phase.id, depth + 1)}</div>`;
  return inside(undefined, 0);
};

const stepLog = (step: ShownStep, index: number): Html => {
  const culprit = failedCommandOf(step);
  const content = contentOf(step, index, culprit);
  const { allCommands, allLines } = step;
  const notShown = allCommands - step.commands.length;
  return html`<h3 id="${anchors.step(index)}">${callText(step)} ${outcomeBadge(step.outcome)}</h3>
${fold({
  isOpen: culprit !== undefined,
  summary: html`Log <span class="quiet">(${countOf(allCommands, 'command')}, ${countOf(allLines, 'line')}, ${duration(step)})</span>`,
  body: [
    notShown > 0 &&
      html`<p class="left-out">${notShown.toLocaleString('en')} short commands that ended well are left out.</p>`,
    step.notesLeftOut > 0 &&
      html`<p class="left-out">${step.notesLeftOut.toLocaleString('en')} earlier messages are left out.</p>`,
    content.length > 0 ? content : html`<p class="quiet">There is nothing in it.</p>`,
    step.isCutOff && html`<p class="left-out">The file of events ends within a line.</p>`,
  ],
})}`;
};

/** What was said and printed, by step; open where a command failed. */
export const logsSection = ({ steps }: { readonly steps: readonly ShownStep[] }): Html =>
  html`<section aria-labelledby="logs"><h2 id="logs">Logs</h2>${steps.map(stepLog)}</section>`;
