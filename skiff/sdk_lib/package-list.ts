import fs from 'node:fs/promises';
import path from 'node:path';
import { compareText } from './compare.ts';
import { Fault } from './fault.ts';
import { treeDir } from './tree.ts';

/** One Debian package of a list, with the reason it is there. */
export interface ListedPackage {
  name: string;
  why: string;
  /** take the newest package that this one depends on instead, for example the kernel behind linux-image-amd64 */
  metapackage?: boolean;
}

type Groups = Record<string, ListedPackage[]>;

/** What sdk/packages.yaml says. */
export interface SdkPackages {
  /** Debian suite that SDK and target are made of, for example bookworm */
  suite: string;
  /** packages of the SDK root, by group */
  groups: Groups;
  /** cross compilers by architecture, installed when the container images are made */
  cross: Groups;
}

/** What image/base.yaml says: the root filesystem of the target. */
export interface BasePackages {
  groups: Groups;
  /** unpacked, not configured, and without what they depend on */
  unpack: ListedPackage[];
  /** dpkg path-exclude globs */
  exclude: string[];
  /** dpkg path-include globs, after the excludes */
  include: string[];
}

async function readYaml(relative: string): Promise<Record<string, unknown>> {
  const file = path.join(treeDir, relative);
  const value: unknown = YAML.parse(await fs.readFile(file, 'utf8'));
  if (typeof value !== 'object' || value === null) throw new Fault(`${relative} is not a YAML mapping`);
  return value as Record<string, unknown>;
}

/** Debian's rule for package names; also keeps options and shell words out of command lines. */
const packageName = /^[a-z0-9][a-z0-9+.-]+$/;

function checkList(where: string, list: unknown): ListedPackage[] {
  if (!Array.isArray(list)) throw new Fault(`${where} is not a list`);
  for (const entry of list as Partial<ListedPackage>[]) {
    if (typeof entry.name !== 'string' || !packageName.test(entry.name)) {
      throw new Fault(`${where}: ${JSON.stringify(entry)} has no valid package name`, 'write { name: ..., why: ... }');
    }
    if (!entry.why) throw new Fault(`${where}: ${entry.name} does not say why it is there`, 'add why: <one line>');
  }
  return list as ListedPackage[];
}

function checkGroups(where: string, groups: unknown): Groups {
  const entries = Object.entries((groups ?? {}) as Record<string, unknown>);
  return Object.fromEntries(entries.map(([name, list]) => [name, checkList(`${where}.${name}`, list)]));
}

/** Reads sdk/packages.yaml. @throws Fault that names the faulty entry */
export async function readSdkPackages(): Promise<SdkPackages> {
  const yaml = await readYaml('sdk/packages.yaml');
  if (typeof yaml.suite !== 'string') throw new Fault('sdk/packages.yaml names no suite', 'add suite: bookworm');
  return {
    suite: yaml.suite,
    groups: checkGroups('sdk/packages.yaml: groups', yaml.groups),
    cross: checkGroups('sdk/packages.yaml: cross', yaml.cross),
  };
}

/** Reads image/base.yaml. @throws Fault that names the faulty entry */
export async function readBasePackages(): Promise<BasePackages> {
  const yaml = await readYaml('image/base.yaml');
  return {
    groups: checkGroups('image/base.yaml: groups', yaml.groups),
    unpack: checkList('image/base.yaml: unpack', yaml.unpack ?? []),
    exclude: (yaml.exclude ?? []) as string[],
    include: (yaml.include ?? []) as string[],
  };
}

/** @returns the names of all groups, sorted, each once */
export function listNames(groups: Groups): string[] {
  return [...new Set(Object.values(groups).flatMap((list) => list.map((entry) => entry.name)))].sort(compareText);
}
