import fs from 'node:fs/promises';
import path from 'node:path';
import type { BuiltImage } from './image-build.ts';
import type { ImageJob } from './image-job.ts';
import { run } from './image-run.ts';
import { log } from './log.ts';
import { treeDir } from './tree.ts';

/** Where the result goes. */
export interface OutputPlan {
  /** absolute path; the board's folder is made below it */
  root: string;
  /** leave out the raw disk, which is much larger than its compressed form */
  onlyCompressed: boolean;
}

const base = 'skiff_production_image';

/**
 * Writes the result to OUTPUT_ROOT/BOARD/GROUP-VERSION and points the link `latest` to it. The folder appears when it is
 * complete; one of the same name is replaced.
 */
export async function publishImage(job: ImageJob, built: BuiltImage, output: OutputPlan): Promise<void> {
  const folder = path.join(output.root, job.board);
  const name = `${job.group}-${job.version.version}`;
  const unfinished = path.join(folder, `.${name}.unfinished`);
  await fs.rm(unfinished, { recursive: true, force: true });
  await fs.mkdir(unfinished, { recursive: true });
  try {
    await writeFiles(job, built, output.onlyCompressed, unfinished);
    await fs.rm(path.join(folder, name), { recursive: true, force: true });
    await fs.rename(unfinished, path.join(folder, name));
  } catch (error) {
    await fs.rm(unfinished, { recursive: true, force: true });
    throw error;
  }
  await fs.rm(path.join(folder, 'latest'), { recursive: true, force: true });
  await fs.symlink(name, path.join(folder, 'latest'));
  log(`image in ${path.join(folder, name)}`);
}

async function writeFiles(job: ImageJob, built: BuiltImage, onlyCompressed: boolean, folder: string): Promise<void> {
  const file = (suffix: string) => path.join(folder, `${base}${suffix}`);
  // Most of the disk is zeros or compressed already: a higher level costs time and saves next to nothing.
  await run(job)`zstd -q -T0 -3 ${built.disk} -o ${file('.bin.zst')}`;
  if (!onlyCompressed) await run(job)`cp --sparse=always ${built.disk} ${file('.bin')}`;
  await fs.copyFile(built.kernel, file('.vmlinuz'));
  await fs.writeFile(file('_packages.txt'), built.packages);
  await fs.writeFile(file('_contents.txt'), built.contents);
  await fs.writeFile(file('_files.txt'), built.files);
  await fs.copyFile(`${built.kernel}.config`, file('_kernel_config.txt'));
  await fs.writeFile(file('_sbom.spdx.json'), built.sbom);
  await fs.copyFile(path.join(treeDir, 'sdk_container/.repo/manifests/version.txt'), path.join(folder, 'version.txt'));
  // Whatever umask the checkout was made under: these are for everybody.
  for (const name of await fs.readdir(folder)) await fs.chmod(path.join(folder, name), 0o644);
  const { size } = await fs.stat(file('.bin.zst'));
  log(`disk of ${job.layout.diskMiB} MiB, compressed ${(size / 1024 / 1024).toFixed(1)} MiB`);
}
