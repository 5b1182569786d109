import fs from 'node:fs/promises';
import path from 'node:path';
import { Fault } from './fault.ts';
import { treeDir } from './tree.ts';

/** Fields of version.txt as the steps read them. */
export interface TreeVersion {
  /** version number of the OS with its build, for example 4799.0.0+nightly-20260821-2100 */
  version: string;
  /** the part before the +, for example 4799.0.0 */
  versionId: string;
  /** the part after the +, may be empty */
  buildId: string;
  /** version number of the SDK that builds this tree */
  sdkVersion: string;
}

const versionFile = path.join(treeDir, 'sdk_container/.repo/manifests/version.txt');

/**
 * Strips a tag's channel: main-4799.0.0-nightly-1 becomes 4799.0.0-nightly-1; a version number stays as it is.
 * @param version tag or version number
 */
export function stripChannel(version: string): string {
  return version.replace(/^[a-z]+-(?=\d)/, '');
}

/**
 * Version number in the form of the cache: the first - after the dotted number becomes a +.
 * @param version tag or version number, for example main-4799.0.0-nightly-1
 * @returns for example 4799.0.0+nightly-1
 */
export function getVersionNumber(version: string): string {
  return stripChannel(version).replace(/^(\d+\.\d+\.\d+)-/, '$1+');
}

/** @returns version number as a container image tag: a + is not allowed there */
export function getImageTag(version: string): string {
  return version.replaceAll('+', '-');
}

/**
 * Reads the tree's version file.
 * @throws Fault when the file or one of its fields is missing
 */
export async function readTreeVersion(): Promise<TreeVersion> {
  const text = await fs.readFile(versionFile, 'utf8');
  const read = (key: string): string => {
    const value = new RegExp(`^SKIFF_${key}=("?)(.*)\\1$`, 'm').exec(text)?.[2];
    if (value === undefined) throw new Fault(`${versionFile} has no line SKIFF_${key}=`);
    return value;
  };
  return {
    version: read('VERSION'),
    versionId: read('VERSION_ID'),
    buildId: read('BUILD_ID'),
    sdkVersion: read('SDK_VERSION'),
  };
}

/**
 * Writes the tree's version file.
 * @param sdkVersion version number of the SDK
 * @param version version number of the OS
 */
export async function writeTreeVersion(sdkVersion: string, version: string): Promise<void> {
  const [versionId = version, ...build] = version.split('+');
  const lines = [
    `SKIFF_VERSION=${version}`,
    `SKIFF_VERSION_ID=${versionId}`,
    `SKIFF_BUILD_ID="${build.join('+')}"`,
    `SKIFF_SDK_VERSION=${sdkVersion}`,
  ];
  await fs.writeFile(`${versionFile}.tmp`, `${lines.join('\n')}\n`);
  await fs.rename(`${versionFile}.tmp`, versionFile);
}
