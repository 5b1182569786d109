export { readFigures } from './figures.ts';
export { type CacheFigures, type Parameters, readParameters, type Scenario } from './parameters.ts';
export { formatReport, type Report } from './report.ts';
export { type Study, study } from './study.ts';
