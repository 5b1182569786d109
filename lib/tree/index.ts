export { type TreeDescription, treeSchema } from './description.ts';
export { type Facts, fill, fillAll } from './fill.ts';
export { findTree, knownTrees, readTreeDescription } from './load.ts';
