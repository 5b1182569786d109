import { access, constants, statfs } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname } from 'node:path';
import { formatBytes } from '../../log/index.ts';
import { combine, failed, ok, warning } from '../finding.ts';
import type { Check, CheckContext, Finding } from '../types.ts';

const GIB = 1024 ** 3;
/** Where no tree says what its steps need: little for any OS image. */
const LITTLE_BYTES = 10 * GIB;
/** An SDK or a packages image is some hundred thousand files. */
const FEW_INODES = 500_000;
/** For what steps put into the folder for temporary files; the big things go elsewhere. */
const TEMP_BYTES = GIB;

interface Place {
  readonly folder: string;
  readonly purpose: string;
  /** Steps need what the tree says; a number: so much is enough. */
  readonly needs: 'steps' | number;
  /** The user of this process writes there; the engine's store is written by the engine. */
  readonly isOurs: boolean;
}

/** The folder, or the nearest one above it that exists. */
const existing = async (folder: string): Promise<string> => {
  try {
    await access(folder);
    return folder;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT' || dirname(folder) === folder) throw error;
    return existing(dirname(folder));
  }
};

/** The engine's folder, when it is one of this machine. */
const enginePlace = async ({ engine, env }: CheckContext): Promise<Place[]> => {
  const { found } = await engine();
  if (!found || (env.DOCKER_HOST && !env.DOCKER_HOST.startsWith('unix:'))) return [];
  if (!found.info.imageFolder) return [];
  return [{ folder: found.info.imageFolder, purpose: 'container images', needs: 'steps', isOurs: false }];
};

const placesOf = async (context: CheckContext): Promise<Place[]> => {
  const { cwd, settings } = context;
  const cache: Place[] = !settings
    ? []
    : settings.BUILDCACHE_SERVER === ''
      ? [{ folder: settings.BUILDCACHE_DIR, purpose: 'the artifact cache', needs: 'steps', isOurs: true }]
      : [
          {
            folder: settings.BUILDCACHE_CHUNK_DIR,
            purpose: "this machine's part of the container images",
            needs: settings.BUILDCACHE_CHUNK_LIMIT * GIB,
            isOurs: true,
          },
        ];
  return [
    { folder: cwd, purpose: 'the build', needs: 'steps', isOurs: true },
    ...cache,
    ...(await enginePlace(context)),
    { folder: tmpdir(), purpose: 'temporary files', needs: TEMP_BYTES, isOurs: true },
  ];
};

/** Which steps of the tree find too little room. */
const tooBig = (diskGiB: Readonly<Record<string, number>>, freeBytes: number): string[] =>
  Object.entries(diskGiB)
    .filter(([, gib]) => gib * GIB > freeBytes)
    .map(([step, gib]) => `${step} needs ${gib} GiB`);

const roomFinding = ({ tree }: CheckContext, { needs, folder }: Place, seen: string, freeBytes: number): Finding => {
  const fix = `Free some space there, or put it on a larger disk (df -h ${folder}).`;
  if (freeBytes === 0) return failed(`${seen}: the disk is full`, fix);
  if (needs !== 'steps')
    return freeBytes < needs ? warning(`${seen}, ${formatBytes(needs)} may be used`, fix) : ok(seen);
  if (!tree) {
    return freeBytes < LITTLE_BYTES ? warning(`${seen}, little for the build of an OS image`, fix) : ok(seen);
  }
  const missing = tooBig(tree.diskGiB, freeBytes);
  return missing.length > 0 ? failed(`${seen}: ${missing.join(', ')}`, fix) : ok(seen);
};

const lookAt = async (context: CheckContext, place: Place): Promise<Finding> => {
  const { folder, purpose, isOurs } = place;
  const there = await existing(folder);
  const { bavail, bsize, files, ffree } = await statfs(there);
  const freeBytes = bavail * bsize;
  const seen = `${folder} (${purpose}): ${formatBytes(freeBytes)} free`;
  try {
    if (isOurs) await access(there, constants.W_OK);
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    return failed(
      `${folder} (${purpose}): ${there} cannot be written to (${code})`,
      `Look at its owner, its mode and its mount: ls -ld ${there}; findmnt -T ${there}`,
    );
  }
  const room = roomFinding(context, place, seen, freeBytes);
  // File systems that make inodes as they need them say 0.
  if (files === 0 || ffree > FEW_INODES || place.needs !== 'steps') return room;
  return combine([
    room,
    warning(`${folder}: only ${ffree} more files can be made`, `df -i ${folder} shows the inodes of its file system.`),
  ]);
};

export const disk: Check = {
  name: 'disk',
  summary: 'room in each folder that is filled, against what the steps of the tree need; can it be written to',
  // Asks for the engine, too, where there may be several that do not answer.
  limitMs: 25_000,
  async run(context) {
    context.doing('looking for the folders that are filled');
    const places = await placesOf(context);
    context.doing('asking the disks for their room');
    return combine(await Promise.all(places.map((place) => lookAt(context, place))));
  },
};
