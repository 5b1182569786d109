import { type Content, type Html, html } from '../../html/index.ts';
import { type EventOf, formatCommand } from '../../log/index.ts';
import type { CommandModel, RunModel, StepModel } from '../model/types.ts';
import { anchors, callText, endingOf, isBad } from './words.ts';

/** The command that an error is about: the one that it names, else the last one that failed. */
export const failedCommandOf = (step: StepModel): CommandModel | undefined => {
  const named = step.errors.at(-1)?.command?.id;
  const byName = named === undefined ? undefined : step.commands.find(({ id }) => id === named);
  if (byName) return byName;
  if (!isBad(step.outcome)) return undefined;
  // What was killed was in the middle of something.
  return step.commands.findLast(({ state }) => state === (step.outcome === 'vanished' ? 'running' : 'failed'));
};

const againLine = ({ command, cwd }: CommandModel): string => `cd ${formatCommand([cwd])} && ${formatCommand(command)}`;

const errorText = (error: EventOf<'error'>): Html => html`
<p><strong>${error.message}</strong> <span class="quiet"><code>${error.code}</code></span></p>
${error.cause !== undefined && html`<p><strong>Likely cause:</strong> ${error.cause}</p>`}
${error.fix !== undefined && html`<p><strong>What to do:</strong> ${error.fix}</p>`}
${error.hint !== undefined && html`<pre>${error.hint}</pre>`}
${error.stack !== undefined && html`<pre>${error.stack}</pre><p>This is a bug in Slipway. Please report it with the lines above.</p>`}
${error.rerun !== undefined && html`<p>Run the step again:</p><pre><code>${error.rerun}</code></pre>`}`;

const failureOf = (step: StepModel, index: number): Html | undefined => {
  const killed = step.outcome === 'vanished';
  if (!isBad(step.outcome) && step.errors.length === 0) return undefined;
  const command = failedCommandOf(step);
  const link: Content = command && [
    html`<p><a href="#${anchors.command(index, command.id)}">The log of the command that ${killed ? 'was running' : 'failed'}</a> (${endingOf(command)})</p>`,
    !step.errors.some(({ hint = '' }) => hint.includes(againLine(command))) &&
      html`<p>Run that command again:</p><pre><code>${againLine(command)}</code></pre>`,
  ];
  return html`<div class="notice ${isBad(step.outcome) ? 'bad' : 'warning'}"><h3>${callText(step)}${step.exitCode !== undefined && html` ended with exit code ${step.exitCode}`}</h3>
${killed && html`<p><strong>The step is gone and has not said how it ended.</strong> It was killed, or the machine was switched off. Running it again is safe.</p>`}
${step.errors.map(errorText)}
${link}</div>`;
};

/** Why the run failed; nothing when it did not. */
export const failureSection = ({ steps }: RunModel): Html | undefined => {
  const failures = steps.map(failureOf).filter((one) => one !== undefined);
  return failures.length === 0
    ? undefined
    : html`<section aria-labelledby="failure"><h2 id="failure">What went wrong</h2>${failures}</section>`;
};
