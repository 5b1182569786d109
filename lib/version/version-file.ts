import { readFile } from 'node:fs/promises';
import { slipwayError } from '../errors/index.ts';
import { explainVersionNumber, parseVersionNumber } from './grammar.ts';
import type { VersionNumber } from './types.ts';

/** What `version.txt` says. */
export interface VersionFile {
  readonly os: VersionNumber;
  readonly sdk: VersionNumber;
}

/**
 * The text of a `version.txt`, byte for byte as Flatcar writes it.
 *
 * @param prefix what the variables begin with, for example `FLATCAR_`
 */
export const renderVersionFile = (prefix: string, versions: VersionFile): string =>
  [
    `${prefix}VERSION=${versions.os.cacheForm}`,
    `${prefix}VERSION_ID=${versions.os.vernum}`,
    `${prefix}BUILD_ID="${versions.os.buildId}"`,
    `${prefix}SDK_VERSION=${versions.sdk.cacheForm}`,
    '',
  ].join('\n');

interface Assignment {
  readonly value: string;
  readonly line: number;
}

type Fail = (line: number, reason: string) => Error;

/** A bare word, or one in quotes without anything in it that a shell would act on. */
const ASSIGNMENT = /^([A-Za-z_][A-Za-z0-9_]*)=(?:([\w.+:@%,/-]*)|"([^"$`\\]*)"|'([^']*)')$/;

const readAssignments = (text: string, fail: Fail): Map<string, Assignment> => {
  const found = new Map<string, Assignment>();
  for (const [at, line] of text.split('\n').entries()) {
    if (/^\s*(#.*)?$/.test(line)) continue;
    const [, name, bare, double, single] = ASSIGNMENT.exec(line) ?? [];
    if (name === undefined) throw fail(at + 1, `${JSON.stringify(line)} is not a plain NAME=VALUE`);
    const earlier = found.get(name);
    if (earlier) throw fail(at + 1, `${name} is set again, it was on line ${earlier.line} already`);
    found.set(name, { value: bare ?? double ?? single ?? '', line: at + 1 });
  }
  return found;
};

/**
 * Reads the text of a `version.txt` as data; nothing in it is ever executed. Lines that set other variables are left alone.
 *
 * Throws `VERSION_FILE_INVALID` with line and reason.
 *
 * @param prefix what the variables begin with, for example `FLATCAR_`
 * @param file the path that error messages name
 */
export const parseVersionFile = (prefix: string, text: string, file: string): VersionFile => {
  const fail: Fail = (line, reason) => slipwayError('VERSION_FILE_INVALID', { file, line, reason });
  const assignments = readAssignments(text, fail);
  const numberOf = (name: string): VersionNumber => {
    const assignment = assignments.get(name);
    if (!assignment) throw fail(0, `no line sets ${name}`);
    const reason = explainVersionNumber(assignment.value);
    if (reason !== undefined) throw fail(assignment.line, `${name} is ${JSON.stringify(assignment.value)}: ${reason}`);
    return parseVersionNumber(assignment.value);
  };
  return { os: numberOf(`${prefix}VERSION`), sdk: numberOf(`${prefix}SDK_VERSION`) };
};

/**
 * Reads a tree's `version.txt`. Throws `VERSION_FILE_MISSING` or `VERSION_FILE_INVALID`.
 *
 * @param file absolute path
 * @param prefix what the variables begin with, for example `FLATCAR_`
 */
export const readVersionFile = async (file: string, prefix: string): Promise<VersionFile> => {
  const text = await readFile(file, 'utf8').catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT' || error.code === 'ENOTDIR')
      throw slipwayError('VERSION_FILE_MISSING', { file }, error);
    throw error;
  });
  return parseVersionFile(prefix, text, file);
};
