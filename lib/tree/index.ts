export { type TreeDescription, treeSchema } from './description.ts';
export { findTree, knownTrees, readTreeDescription } from './load.ts';
