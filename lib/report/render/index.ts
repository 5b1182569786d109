import { facts, html, renderPage } from '../../html/index.ts';
import type { RunModel } from '../model/types.ts';
import { artifactsSection, linkToCache } from './artifacts.ts';
import { cacheSection, troubleSection } from './cache.ts';
import { chooseShown } from './choose.ts';
import { environmentSection } from './environment.ts';
import { failureSection } from './failure.ts';
import { GANTT_STYLE } from './gantt.ts';
import { logsSection } from './logs.ts';
import { comparisonSection, runFacts, stepsSection } from './overview.ts';
import { timelineSection } from './timeline.ts';
import { countOf, moment, runTitle } from './words.ts';

/** What a page says besides the run. */
export interface RenderOptions {
  /** Where the cache is read, for links to artifacts; undefined: no links. */
  readonly cacheUrl?: string;
  /** When the page is made. */
  readonly now: Date;
  readonly slipwayVersion: string;
}

const STYLE = `${GANTT_STYLE}
.inner { display: inline-block; }
.depth-1 { padding-left: 1rem; } .depth-2 { padding-left: 2rem; } .depth-3 { padding-left: 3rem; } .depth-4 { padding-left: 4rem; }
.phase { border-left: 2px solid var(--edge); padding-left: .75rem; margin: .75rem 0; }
.phase-name { margin: 0; }
.note { margin: .25rem 0; font-size: .9375rem; white-space: pre-wrap; }
.note.warning { color: var(--warning); }
.left-out { font-style: italic; color: var(--quiet); }
.failed { color: var(--bad); font-weight: 600; }
.digest { font-size: .75rem; word-break: break-all; }
.fold pre { max-height: 40rem; overflow-y: auto; }
@media print { .fold pre { max-height: none; } }
`;

/**
 * The report as a page in one file.
 *
 * @returns the text of the file
 */
export const renderReport = (run: RunModel, { cacheUrl, now, slipwayVersion }: RenderOptions): string => {
  const shown = { ...run, steps: run.steps.map(chooseShown) };
  const failure = failureSection(run);
  const trouble = troubleSection(run);
  return renderPage({
    title: runTitle(run),
    lead: facts(runFacts(run)),
    sections: [
      ...(failure ? [{ id: 'failure', title: 'What went wrong' }] : []),
      { id: 'steps', title: 'Steps' },
      { id: 'timeline', title: 'Timeline' },
      { id: 'compared', title: 'Time and bytes' },
      { id: 'cache', title: 'Cache' },
      ...(trouble ? [{ id: 'trouble', title: 'Warnings and retries' }] : []),
      { id: 'artifacts', title: 'Artifacts' },
      { id: 'environment', title: 'Versions and machines' },
      { id: 'logs', title: 'Logs' },
    ],
    body: [
      failure,
      stepsSection(run),
      timelineSection(shown),
      comparisonSection(run),
      cacheSection(run),
      trouble,
      artifactsSection(run, linkToCache(cacheUrl)),
      environmentSection(run),
      logsSection(shown),
    ],
    footer: html`<p>Made by Slipway ${slipwayVersion} on ${moment(now.getTime())} from the events of ${countOf(run.steps.length, 'step')}.</p>
<details><summary>Files of events</summary><ul>${run.steps.map(({ file }) => html`<li><code>${file}</code></li>`)}</ul></details>`,
    style: STYLE,
  });
};
