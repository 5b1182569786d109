/** The library: abilities by name, as in `import { version } from 'slipway'`, each also to be had by itself, as in `import { parseVersion } from 'slipway/version'`. */
export * as cache from './cache.ts';
export * as container from './container.ts';
export * from './errors.ts';
export * as log from './log.ts';
export * as report from './report.ts';
export * as tree from './tree.ts';
export * as version from './version.ts';
