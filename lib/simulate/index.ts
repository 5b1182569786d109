export { readFigures } from './figures.ts';
export { measureScenario } from './measure.ts';
export { type CacheFigures, type Parameters, readParameters, type Scenario } from './parameters.ts';
