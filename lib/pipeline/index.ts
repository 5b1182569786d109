export { FIRST_STEP } from './faults.ts';
export { findPipelineFile, PIPELINE_FILE, parsePipeline, readPipeline } from './load.ts';
export { type Job, type MatrixValues, resolveJobs, variantsOf } from './resolve.ts';
export type { PipelineDefinition, Variant } from './schema.ts';
