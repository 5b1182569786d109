import { basename } from 'node:path';
import { printable, renderHtml, renderText } from '../../lib/compare/index.ts';
import { badge, facts, type Html, html, renderPage, type Tone, table } from '../../lib/html/index.ts';
import { formatDuration } from '../../lib/log/index.ts';
import { type PackageChange, packageLines } from '../diff/packages.ts';
import { type ArtifactOutcome, differingIn, type RunOutcome } from './outcome.ts';
import type { ReproducePlan } from './plan.ts';

/** What is reported. */
export interface ReproduceReport {
  readonly plan: ReproducePlan;
  readonly outcomes: readonly RunOutcome[];
  /** Packages that are other ones here than in the published image. */
  readonly packages: readonly PackageChange[];
  readonly slipwayVersion: string;
}

const callText = ({ run }: RunOutcome): string => [run.step, ...run.args].join(' ');

const isSame = ({ state }: ArtifactOutcome): boolean => state === 'identical';

const verdictOf = ({ artifacts }: RunOutcome): 'identical' | 'differs' =>
  artifacts.every(isSame) ? 'identical' : 'differs';

const countText = ({ artifacts }: RunOutcome): string =>
  `${artifacts.filter(isSame).length} of ${artifacts.length} artifacts`;

const artifactLines = ({ path, state, difference, note }: ArtifactOutcome): string[] => [
  `    ${path}: ${state}${note === undefined ? '' : ` (${note})`}`,
  ...(difference ? renderText(difference).map((line) => `      ${line}`) : []),
];

/** The last words on a terminal. */
export const reproduceText = ({ plan, outcomes, packages }: ReproduceReport, file: string): string => {
  const isIdentical = differingIn(outcomes).length === 0;
  const [first] = plan.runs;
  const width = Math.max(...outcomes.map((one) => callText(one).length), 0);
  return [
    '',
    `${plan.version} from ${first?.tag} (commit ${first?.commit.slice(0, 12)}): ${isIdentical ? 'identical' : 'NOT identical'}`,
    '',
    ...outcomes.flatMap((one) => [
      `  ${callText(one).padEnd(width)}  ${verdictOf(one).padEnd(9)}  ${countText(one)}  ${formatDuration(one.durationMs)}`,
      ...one.artifacts.filter((artifact) => !isSame(artifact)).flatMap(artifactLines),
    ]),
    ...(packages.length > 0 ? ['', '  Packages (published → built here):', ...packageLines(packages)] : []),
    '',
    `Report: ${file}`,
    '',
  ].join('\n');
};

const TONES: Readonly<Record<ArtifactOutcome['state'], Tone>> = {
  identical: 'good',
  differs: 'bad',
  missing: 'bad',
  extra: 'warning',
};

const anchorOf = (run: RunOutcome): string => `run-${run.run.key}`;

const runSection = (outcome: RunOutcome): Html => {
  const { run, artifacts, durationMs } = outcome;
  return html`<section><h2 id="${anchorOf(outcome)}">${callText(outcome)}</h2>
${facts([
  ['Outcome', badge(verdictOf(outcome) === 'identical' ? 'good' : 'bad', verdictOf(outcome))],
  ['Artifacts', countText(outcome)],
  ['Took', formatDuration(durationMs)],
  ['Tag', run.tag],
  ['Commit', html`<code>${run.commit}</code>`],
  ['Statement', html`<code>${run.statement}</code>`],
])}
${table({
  caption: `Artifacts of ${run.step}`,
  columns: [{ title: 'Artifact' }, { title: 'State' }, { title: 'sha256 published' }, { title: 'sha256 built here' }],
  rows: artifacts.map(({ path, state, published = '', built = '' }) => [
    printable(basename(path)),
    badge(TONES[state], state),
    html`<code>${published.slice(0, 16)}</code>`,
    html`<code>${built.slice(0, 16)}</code>`,
  ]),
})}
${artifacts.map(({ path, note }) => note !== undefined && html`<p><code>${printable(path)}</code>: ${note}</p>`)}
${artifacts.map(({ difference }) => difference && renderHtml(difference))}
</section>`;
};

/** The report as one page. */
export const reproducePage = ({ plan, outcomes, packages, slipwayVersion }: ReproduceReport): string => {
  const differing = differingIn(outcomes);
  const verdict =
    differing.length === 0
      ? html`<div class="notice good"><p>Everything that was built again is identical, byte by byte, to what is published.</p></div>`
      : html`<div class="notice bad"><p>${differing.length} artifacts are not the same.</p></div>`;
  const changed = html`<section><h2 id="packages">Packages</h2>${table({
    caption: 'Packages that are other ones here',
    columns: [{ title: 'Package' }, { title: 'Published' }, { title: 'Built here' }],
    rows: packages.map(({ name, before = '', after = '' }) => [printable(name), printable(before), printable(after)]),
  })}</section>`;
  return renderPage({
    title: `${plan.version} built again: ${differing.length === 0 ? 'identical' : 'not identical'}`,
    lead: html`<p>Built from the same commit with the same inputs, on another machine or another day.</p>`,
    sections: [
      ...outcomes.map((one) => ({ id: anchorOf(one), title: callText(one) })),
      ...(packages.length > 0 ? [{ id: 'packages', title: 'Packages' }] : []),
    ],
    body: html`${verdict}${outcomes.map(runSection)}${packages.length > 0 && changed}`,
    footer: html`<p>slipway ${slipwayVersion}, reproduce</p>`,
  });
};
