export { findTree, knownTrees, readTreeDescription, type TreeDescription } from '../tree/index.ts';
