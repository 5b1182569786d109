export {
  buildRun,
  type ChosenSteps,
  chooseNewestRun,
  loadStep,
  loadSteps,
  type RenderOptions,
  type RunModel,
  renderReport,
  type StepModel,
} from '../report/index.ts';
