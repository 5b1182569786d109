import fs from 'node:fs/promises';
import path from 'node:path';
import { assembleTarOptions } from './archive.ts';
import { compareText } from './compare.ts';
import { runPipeline } from './run-logged.ts';

/** What to pack, and where to. */
export interface PackOptions {
  /** absolute path of the root folder */
  root: string;
  /** absolute path of the .tar.zst to write; NAME.CONTENTS.gz with a long listing is written beside it */
  tarball: string;
  /** absolute path of a folder on the same filesystem, for what is not finished yet */
  workDir: string;
  /** latest file time, seconds */
  epoch: number;
  logFile: string;
}

/** Packs an SDK root. The archive depends only on the files: names sorted, numeric owners, no time after the epoch. */
export async function packSdk({ root, tarball, workDir, epoch, logFile }: PackOptions): Promise<void> {
  const unfinished = path.join(workDir, path.basename(tarball));
  const run = { logFile, env: { ...process.env, TZ: 'UTC', LC_ALL: 'C.UTF-8' } };
  const pack = 'tar "${@:2}" -cf - . | zstd -q -T0 -3 -f -o "$1"';
  await runPipeline(pack, [unfinished, ...assembleTarOptions(root, epoch)], run);
  // Read back from the result: that also proves that it can be unpacked.
  const list = 'zstd -q -d -c "$1" | tar --numeric-owner --full-time -tvf - | gzip -n -9 > "$1.CONTENTS.gz"';
  await runPipeline(list, [unfinished], run);
  await fs.rename(`${unfinished}.CONTENTS.gz`, `${tarball}.CONTENTS.gz`);
  await fs.rename(unfinished, tarball);
}

interface SdkPackage {
  name: string;
  version: string;
  architecture: string;
  sha256: string;
}

function parseStanza(stanza: string): SdkPackage | undefined {
  const read = (field: string): string | undefined => new RegExp(`^${field}: (.*)$`, 'm').exec(stanza)?.[1];
  const [name, version, architecture, sha256] = ['Package', 'Version', 'Architecture', 'SHA256'].map(read);
  return name && version && architecture && sha256 ? { name, version, architecture, sha256 } : undefined;
}

/**
 * Writes the list of the Debian packages in an SDK root, with the sha256 of the .deb each came from.
 * @param root absolute path of the root folder
 * @param file absolute path of the JSON file to write
 */
export async function writeManifest(root: string, file: string): Promise<void> {
  const format = '--showformat=${Package}:${Architecture}=${Version}\\n';
  const installed = await $({ quiet: true })`chroot ${root} dpkg-query --show ${format}`;
  const words = installed.stdout
    .trim()
    .split('\n')
    .map((word) => word.replace(':all=', '='));
  const shown = await $({ quiet: true })`chroot ${root} apt-cache show ${words}`;
  const packages = shown.stdout.split('\n\n').flatMap((stanza) => parseStanza(stanza) ?? []);
  const unique = new Map(packages.map((entry) => [`${entry.name}:${entry.architecture}`, entry]));
  const sorted = [...unique.values()].sort((a, b) => compareText(a.name, b.name));
  await fs.writeFile(file, `${JSON.stringify({ schema: 1, packages: sorted }, null, 2)}\n`);
}
