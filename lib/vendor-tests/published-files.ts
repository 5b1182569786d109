import { createHash } from 'node:crypto';
import { access, constants, lstat, readdir, readFile, readlink, writeFile } from 'node:fs/promises';
import { join, posix } from 'node:path';
import type { ArtifactRecord, CachePath, Upload } from '../cache/types.ts';
import { reportNames } from './write-reports.ts';

/** Where kola leaves logs, consoles and journals of what it started. */
const KOLA_FOLDER = '_kola_temp';

/** What goes to the cache. */
export interface PublishedFiles {
  readonly uploads: readonly Upload[];
  /** Of the TAP files and the reports. */
  readonly records: readonly ArtifactRecord[];
  /** What cannot be published, with the reason. */
  readonly skipped: readonly string[];
}

const CONTROL = /\p{Cc}/u;

/** A link must mean the same in the cache as here: relative, and inside the published folder. */
const keepsInside = (path: CachePath, target: string, folder: CachePath): boolean =>
  !target.startsWith('/') && posix.join(posix.dirname(path), target).startsWith(`${folder}/`) && !CONTROL.test(target);

const isReadable = (file: string): Promise<boolean> =>
  access(file, constants.R_OK).then(
    () => true,
    () => false,
  );

/** Regular files and links below a folder; what else a test left there (a socket, a pipe, what cannot be read) is passed over. */
const walk = async (at: string, path: CachePath, folder: CachePath): Promise<Omit<PublishedFiles, 'records'>> => {
  const uploads: Upload[] = [];
  const skipped: string[] = [];
  if (!(await isReadable(at))) return { uploads, skipped: [`${at} (cannot be read)`] };
  const entries = (await readdir(at, { withFileTypes: true })).sort((a, b) => (a.name < b.name ? -1 : 1));
  for (const entry of entries) {
    const [file, place] = [join(at, entry.name), `${path}/${entry.name}`];
    if (CONTROL.test(entry.name) || !entry.name.isWellFormed()) skipped.push(`${JSON.stringify(file)} (its name)`);
    else if (entry.isDirectory()) {
      const inner = await walk(file, place, folder);
      uploads.push(...inner.uploads);
      skipped.push(...inner.skipped);
    } else if (entry.isSymbolicLink()) {
      const linkTarget = await readlink(file);
      if (keepsInside(place, linkTarget, folder)) uploads.push({ file, path: place, linkTarget });
      else skipped.push(`${file} (a link to ${linkTarget}, outside of the folder)`);
    } else if (!entry.isFile()) skipped.push(`${file} (no regular file)`);
    else if (await isReadable(file)) uploads.push({ file, path: place });
    else skipped.push(`${file} (cannot be read)`);
  }
  return { uploads, skipped };
};

const isFolder = async (path: string): Promise<boolean> => {
  try {
    return (await lstat(path)).isDirectory();
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return false;
    throw error;
  }
};

const isOnDisk = async (file: string): Promise<boolean> => {
  try {
    return (await lstat(file)).isFile();
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return false;
    throw error;
  }
};

/** What to collect. */
export interface Collected {
  /** Absolute path of the root of the tree. */
  readonly root: string;
  /** Absolute path of the folder of this vendor. */
  readonly vendorFolder: string;
  readonly vendor: string;
  /** In the cache. */
  readonly folder: CachePath;
  /** Hides secrets. */
  readonly mask: (text: string) => string;
  /** Absolute path of a folder for copies. */
  readonly temp: string;
}

/** A TAP file with a secret in it is published as a copy without. */
const maskedCopy = async (file: string, name: string, { mask, temp }: Collected): Promise<string> => {
  const text = await readFile(file, 'utf8');
  const masked = mask(text);
  if (masked === text) return file;
  const copy = join(temp, name);
  await writeFile(copy, masked);
  return copy;
};

/**
 * The files of a vendor's tests with their places in the cache, each once: what kola left (if it got that far), the TAP file of each run, and
 * the reports.
 */
export const collectPublished = async (options: Collected): Promise<PublishedFiles> => {
  const { root, vendorFolder, vendor, folder } = options;
  const kola = join(vendorFolder, KOLA_FOLDER);
  const { uploads, skipped } = (await isFolder(kola))
    ? await walk(kola, `${folder}/${KOLA_FOLDER}`, folder)
    : { uploads: [], skipped: [] };
  const texts: Upload[] = [];
  const taps = (await readdir(vendorFolder, { withFileTypes: true })).filter(
    (entry) => entry.isFile() && entry.name.endsWith('.tap') && !entry.name.startsWith('.'),
  );
  for (const { name } of taps) {
    texts.push({ file: await maskedCopy(join(vendorFolder, name), name, options), path: `${folder}/${name}` });
  }
  for (const name of reportNames(vendor)) {
    const file = join(root, name);
    if (await isOnDisk(file)) texts.push({ file, path: `${folder}/${name}` });
  }
  const records: ArtifactRecord[] = [];
  for (const { file, path } of texts) {
    const bytes = await readFile(file);
    records.push({ path, sizeBytes: bytes.length, sha256: createHash('sha256').update(bytes).digest('hex') });
  }
  return { uploads: [...uploads, ...texts], records, skipped };
};
