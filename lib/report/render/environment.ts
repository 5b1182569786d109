import { facts, type Html, html, table } from '../../html/index.ts';
import { formatBytes } from '../../log/index.ts';
import type { RunModel } from '../model/types.ts';
import { callText } from './words.ts';

/** Facts of all steps; a later step knows better. */
const factsOf = ({ steps }: RunModel): [string, string][] => {
  const said = steps.flatMap((step) => [step.result?.commit ? { commit: step.result.commit } : {}, step.facts]);
  const all = Object.assign({}, ...said) as Record<string, string | number | boolean>;
  return Object.entries(all).map(([name, value]) => [name, String(value)]);
};

/** What was built, and on which machines. */
export const environmentSection = (run: RunModel): Html => {
  const known = run.steps.filter(({ environment }) => environment !== undefined);
  return html`<section aria-labelledby="environment"><h2 id="environment">Versions and machines</h2>
${facts(factsOf(run).map(([name, value]) => [name, html`<code>${value}</code>`]))}
${
  known.length > 0 &&
  table({
    caption: 'Machines that the steps ran on',
    columns: [
      { title: 'Step' },
      { title: 'Host' },
      { title: 'System' },
      { title: 'Cores', isNumber: true },
      { title: 'Memory', isNumber: true },
      { title: 'Engine' },
      { title: 'Slipway' },
      { title: 'Node' },
    ],
    rows: known.map((step) => {
      const { environment: one } = step;
      return [
        callText(step),
        one?.host,
        `${one?.system} ${one?.arch}`,
        one?.cpus,
        formatBytes(one?.memoryBytes ?? 0),
        one?.engine ?? '–',
        one?.slipway,
        one?.node,
      ];
    }),
  })
}</section>`;
};
