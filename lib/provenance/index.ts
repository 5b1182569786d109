export { type ChainLink, createChainWalker } from './chain.ts';
export { createSourceCheck } from './check-source.ts';
export { type BuildRecord, type BuildSource, makeStatement, type UsedImage } from './make-statement.ts';
export { PROVENANCE_FOLDER, provenanceFolder, versionOfPath } from './place.ts';
export { publishStatement } from './publish-statement.ts';
export type { Dependency, ReadStatement } from './read-statement.ts';
export { faultsIn, showChain } from './show-chain.ts';
export { createStatementReader, type LoadedStatement, type StatementReader } from './statements.ts';
export { formatOfName, verifyVersion } from './verify-version.ts';
