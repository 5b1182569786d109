import { explainVersionNumber, parseVersionNumber } from '../version/index.ts';

/** Top folder of the statements in the cache. */
export const PROVENANCE_FOLDER = 'provenance';

/** Hex digits of a statement's key that are in its name. */
const KEY_DIGITS = 16;

const NAME = /^([a-z0-9_]+)(?:-([a-z0-9_]+))?\.([0-9a-f]{16})\.intoto\.json$/;

/** What the place of a statement says of it. */
export interface StatementPlace {
  /** Cache form. */
  readonly version: string;
  readonly step: string;
  readonly arch?: string;
  /** Digest of what it says without the times, hex; in a name it is shortened. */
  readonly key: string;
}

/** Folder of the statements of a version. @param version cache form */
export const provenanceFolder = (version: string): string => `${PROVENANCE_FOLDER}/${version}`;

/**
 * Path of a statement. Two runs that made the same of the same have the same path, so that nothing piles up when a step is run again; others,
 * for example two runs of vms with different formats, have paths of their own, so that none replaces the other's.
 *
 * @example provenance/4799.0.0+nightly-20260821-2100/vms-amd64.0123456789abcdef.intoto.json
 */
export const statementPath = ({ version, step, arch, key }: StatementPlace): string =>
  `${provenanceFolder(version)}/${step}${arch === undefined ? '' : `-${arch}`}.${key.slice(0, KEY_DIGITS)}.intoto.json`;

/** Whether a name in the folder of a version is one of a statement. */
export const isStatementName = (name: string): boolean => NAME.test(name);

/**
 * The version that a path in the cache is filed under, in cache form; undefined for places that all versions share.
 *
 * @example versionOfPath('containers/4799.0.0-nightly-1/skiff-sdk-all-4799.0.0-nightly-1.id') // '4799.0.0+nightly-1'
 */
export const versionOfPath = (path: string): string | undefined => {
  const folder = path
    .split('/')
    .slice(0, -1)
    .find((name) => /^\d/.test(name) && explainVersionNumber(name) === undefined);
  return folder === undefined ? undefined : parseVersionNumber(folder).cacheForm;
};
