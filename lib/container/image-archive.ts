import { createReadStream, createWriteStream } from 'node:fs';
import { chmod, rm, stat } from 'node:fs/promises';
import type { Writable } from 'node:stream';
import type { Log, Progress } from '../log/index.ts';
import type { Command, Runner } from '../process/index.ts';
import { type ArchiveIndex, watchArchive } from './archive-index.ts';
import { explained } from './engine-faults.ts';
import { countBytes, runPipeline } from './pipeline.ts';
import type { Engine } from './types.ts';

/** How a tree packs its container images; data from `config/trees/`. */
export interface ArchiveFormat {
  /** For example `tar.zst`. */
  readonly extension: string;
  /** Compresses standard input to standard output. */
  readonly compress: Command;
  /** Decompresses standard input to standard output. */
  readonly decompress: Command;
}

/** What saving and loading need. */
export interface ArchiveTools {
  readonly engine: Engine;
  /** Runs the compression program. */
  readonly effects: Runner;
  readonly log: Log;
}

const withProgress = async (progress: Progress, work: () => Promise<void>): Promise<void> => {
  await work();
  progress.finish();
};

/**
 * Saves an image to a compressed file, straight through: the uncompressed archive never lies on the disk. An older file of that
 * name is overwritten; after a failure no file is left.
 *
 * @param reference the image as the engine has it
 * @param file absolute path
 * @param compress standard input to standard output
 * Throws `CONTAINER_NO_SPACE`, `ENGINE_NOT_RUNNING`, or `COMMAND_FAILED` when either side fails.
 */
export const saveImage = async (
  tools: ArchiveTools,
  reference: string,
  file: string,
  compress: Command,
): Promise<void> => {
  const progress = tools.log.progress(`save ${reference}`);
  const saving = tools.engine.save(reference);
  const compressing = tools.effects.start(compress);
  const counted = countBytes((bytes) => progress.advance(bytes));
  try {
    await explained(`saving ${reference} to ${file}`, () =>
      withProgress(progress, () =>
        runPipeline(
          [saving, compressing],
          [
            [saving.stdout, counted, compressing.stdin],
            [compressing.stdout, createWriteStream(file)],
          ],
        ),
      ),
    );
    await chmod(file, 0o644);
  } catch (error) {
    await rm(file, { force: true });
    throw error;
  }
};

/**
 * Loads an image from a compressed file, straight through.
 *
 * @param file absolute path
 * @param decompress standard input to standard output
 * @returns what the archive says is in it
 * Throws `CONTAINER_NO_SPACE`, `ENGINE_NOT_RUNNING`, or `COMMAND_FAILED` when either side fails.
 */
export const loadImage = async (tools: ArchiveTools, file: string, decompress: Command): Promise<ArchiveIndex> => {
  const name = file.slice(file.lastIndexOf('/') + 1);
  const progress = tools.log.progress(`load ${name}`, (await stat(file)).size);
  const decompressing = tools.effects.start(decompress);
  const loading = tools.engine.load();
  // What the engine says there ("Loaded image: …") is known; unread it could fill the pipe.
  loading.stdout.resume();
  const counted: Writable = countBytes((bytes) => progress.advance(bytes));
  const archive = watchArchive();
  await explained(`loading ${file}`, () =>
    withProgress(progress, () =>
      runPipeline(
        [decompressing, loading],
        [
          [createReadStream(file), counted, decompressing.stdin],
          [decompressing.stdout, archive.stream, loading.stdin],
        ],
      ),
    ),
  );
  return archive.index();
};
