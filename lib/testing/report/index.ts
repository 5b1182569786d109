export type { ReportFacts } from './facts.ts';
export { formatJunit } from './junit.ts';
export { formatMarkdown } from './markdown.ts';
export { formatTapReport } from './tap.ts';
