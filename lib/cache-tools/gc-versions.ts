import { DEDUP_FOLDER } from '../dedup/index.ts';
import { inParallel } from '../process/in-parallel.ts';
import { deriveDockerForm } from '../version/index.ts';
import { MANIFEST_ENDING } from './manifests.ts';
import { judgeVersions, type KeepPolicy, type VersionVerdict } from './policy.ts';
import { surveyFolder } from './survey.ts';
import type { CacheTools, SurveyedFile } from './types.ts';
import { type CachedVersion, versionsOf } from './versions.ts';

/** The versions in the cache, the newest first. */
export const readVersions = async ({ store, signal }: CacheTools): Promise<CachedVersion[]> =>
  versionsOf(await surveyFolder(store, '', signal, [DEDUP_FOLDER.split('/')[0] as string]));

/** The versions of the SDKs that versions were built with, as their published version files say. */
const readSdks = async ({ store }: CacheTools, versions: readonly CachedVersion[]): Promise<Map<string, string>> => {
  const found = await inParallel(versions, 8, async ({ version, files }) => {
    const file = files.find(({ path }) => path.endsWith('/version.txt'));
    const text = file && (await store.readText(file.path));
    const sdk = /^\w*SDK_VERSION=["']?([^"'\n]+)/m.exec(text ?? '')?.[1];
    return sdk === undefined ? [] : [[version, deriveDockerForm(sdk)] as const];
  });
  return new Map(found.flat());
};

/** Decides which versions go. */
export const planVersions = async (
  tools: CacheTools,
  policy: KeepPolicy,
  nowMs: number,
): Promise<readonly VersionVerdict[]> => {
  const versions = await readVersions(tools);
  const hasRule = policy.keepNewest !== undefined || policy.keepDays !== undefined;
  return judgeVersions(versions, policy, nowMs, hasRule ? await readSdks(tools, versions) : new Map());
};

const fingerprint = (files: readonly SurveyedFile[]): string =>
  files.map(({ path, sizeBytes, modifiedMs }) => `${path} ${sizeBytes} ${modifiedMs}`).join('\n');

/** What readers take for the sign that an image is there; it goes before all else. */
const isMark = ({ path }: SurveyedFile): boolean => path.endsWith('.id') || path.endsWith(MANIFEST_ENDING);

const idFirst = (a: SurveyedFile, b: SurveyedFile): number =>
  Number(b.path.endsWith('.id')) - Number(a.path.endsWith('.id'));

/**
 * Deletes a version: first what says that it is there, then its folders, each moved aside at once. One that somebody has published to since
 * it was judged stays.
 *
 * @returns whether it was deleted
 */
export const removeVersion = async (
  tools: CacheTools,
  { version, folders, files }: CachedVersion,
): Promise<boolean> => {
  const { store, log, signal } = tools;
  const now = (await Promise.all(folders.map((folder) => surveyFolder(store, folder, signal)))).flat();
  const before = files.toSorted((a, b) => (a.path < b.path ? -1 : 1));
  if (fingerprint(now.sort((a, b) => (a.path < b.path ? -1 : 1))) !== fingerprint(before)) {
    log.warn(`${version} stays: somebody has changed it since it was looked at.`);
    return false;
  }
  for (const { path } of before.filter(isMark).sort(idFirst)) await store.remove(path);
  for (const folder of folders) await store.remove(folder);
  return true;
};
