export { type PrepareHostOptions, prepareHost } from './prepare-host.ts';
