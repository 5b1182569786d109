import { formatBytes, formatDuration } from '../../lib/log/index.ts';
import type { StepResult } from '../../lib/step/index.ts';

/** What a summary tells. */
export interface JobFacts {
  /** As the job was called, for example `vms amd64 azure gce`. */
  readonly title: string;
  readonly outcome: 'done' | 'failed' | 'interrupted' | 'nothing to do';
  /** Why there was nothing to do, or what failed. */
  readonly reason?: string;
  readonly hint?: string;
  readonly tag: string | undefined;
  readonly durationMs: number;
  readonly result: StepResult | undefined;
  /** Markdown that the step wrote itself, for example of tests. */
  readonly reports: readonly string[];
}

const MAX_OUTPUTS = 40;

const SIGNS = { done: '✅', failed: '❌', interrupted: '⏹️', 'nothing to do': '⏭️' } as const;

const cell = (text: string): string => text.replaceAll('|', '\\|').replaceAll('\n', ' ');

const outputLines = (outputs: StepResult['outputs']): string[] => {
  if (outputs.length === 0) return [];
  const shown = outputs.slice(0, MAX_OUTPUTS).map(({ path, sizeBytes, sha256 }) => {
    return `| \`${cell(path)}\` | ${formatBytes(sizeBytes)} | \`${sha256.slice(0, 12)}\` |`;
  });
  const more = outputs.length > MAX_OUTPUTS ? ['', `and ${outputs.length - MAX_OUTPUTS} more, in the result file`] : [];
  return ['', '| published | size | sha256 |', '|---|---|---|', ...shown, ...more];
};

/** As a block in which nothing is Markdown. */
const quote = (text: string): string[] => ['', ...text.split('\n').map((line) => `    ${line}`)];

/** The summary of a job as Markdown. */
export const formatSummary = (facts: JobFacts): string => {
  const { title, outcome, reason, hint, tag, durationMs, result, reports } = facts;
  const about = [tag === undefined ? undefined : `version \`${tag}\``, formatDuration(durationMs)].filter(Boolean);
  return [
    `### ${SIGNS[outcome]} ${title}: ${outcome}`,
    '',
    `${about.join(', ')}${result?.commit === undefined ? '' : `, commit \`${result.commit.slice(0, 12)}\``}`,
    ...(reason === undefined ? [] : quote([reason, ...(hint === undefined ? [] : [hint])].join('\n'))),
    ...outputLines(result?.outputs ?? []),
    ...reports.flatMap((report) => ['', report.trimEnd()]),
    '',
  ].join('\n');
};
