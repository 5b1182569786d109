export { type BootTests, type TreeDescription, treeSchema } from './description.ts';
export { readTreeList } from './lists.ts';
export { findTree, knownTrees, readTreeDescription } from './load.ts';
