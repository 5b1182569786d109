export { type ChainLink, createChainWalker } from './chain.ts';
export { createSourceCheck } from './check-source.ts';
export { type BuildRecord, type BuildSource, makeStatement, type UsedImage } from './make-statement.ts';
export { PROVENANCE_FOLDER, provenanceFolder, versionOfPath } from './place.ts';
export { publishStatement } from './publish-statement.ts';
export { faultsIn, showChain } from './show-chain.ts';
export { createStatementReader, type LoadedStatement } from './statements.ts';
export { verifyVersion } from './verify-version.ts';
