import fs from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import { getSourceDateEpoch } from './epoch.ts';
import { misuse, runMain } from './fault.ts';
import { buildImage } from './image-build.ts';
import type { ImageJob } from './image-job.ts';
import { readLayout } from './image-layout.ts';
import { publishImage } from './image-publish.ts';
import { readBoard, readOptions } from './options.ts';
import { boards, getBoardDir, treeDir } from './tree.ts';
import { readTreeVersion } from './version.ts';
import { runWithCleanup } from './vm-shell.ts';

/**
 * build_image: makes the disk image of the operating system out of the base system and the binary packages of a board.
 * Runs in an SDK container, without mounts and privileges.
 * Reads /build/BOARD/{base.tar.zst,base.packages.json,var/lib/skiff/pkgs}, image/, version.txt.
 * Writes OUTPUT_ROOT/BOARD/GROUP-VERSION/ and the link OUTPUT_ROOT/BOARD/latest.
 */
const usage = 'build_image --board=BOARD --group=GROUP --output_root=DIR [--only_store_compressed] prod';

const options = {
  board: { type: 'string' },
  group: { type: 'string', default: 'developer' },
  output_root: { type: 'string' },
  only_store_compressed: { type: 'boolean', default: false },
} as const;

/** Removes a folder for good: after a signal, work that is still under way may put files back. */
async function removeFolder(folder: string): Promise<void> {
  for (let round = 0; round < 20; round += 1) {
    await fs.rm(folder, { recursive: true, force: true, maxRetries: 5 });
    await wait(50);
    if (!(await fs.stat(folder).catch(() => undefined))) return;
  }
}

await runMain('build_image', async (args) => {
  const { values, positionals } = readOptions(args, usage, options, 1);
  const board = readBoard(values.board, boards);
  if (positionals[0] !== 'prod')
    throw misuse(`unknown image type "${positionals[0]}", expected prod`, `usage: ${usage}`);
  if (!values.output_root) throw misuse('--output_root is missing', `usage: ${usage}`);
  if (!/^[a-z0-9][a-z0-9._-]*$/.test(values.group)) throw misuse(`--group "${values.group}" is not a plain word`);
  const assets = path.join(treeDir, 'image');
  const [version, epoch, layout] = await Promise.all([
    readTreeVersion(),
    getSourceDateEpoch(),
    readLayout(path.join(assets, 'layout.yaml')),
  ]);
  const work = await fs.mkdtemp(path.join(os.tmpdir(), 'skiff-image-'));
  const cleanup = () => removeFolder(work);
  const paths = { assets, work, boardDir: getBoardDir(board), root: path.join(work, 'root') };
  const job: ImageJob = { board, group: values.group, version, epoch, layout, ...paths };
  const output = { root: path.resolve(values.output_root), onlyCompressed: values.only_store_compressed };
  await runWithCleanup(async () => publishImage(job, await buildImage(job), output), cleanup);
  return 0;
});
