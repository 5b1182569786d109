import { createReadStream, createWriteStream } from 'node:fs';
import { chmod, rm, stat } from 'node:fs/promises';
import { Readable, type Writable } from 'node:stream';
import { createDigestStream } from '../cache/digest-stream.ts';
import type { KnownDigests, StreamedArtifact } from '../cache/types.ts';
import { SlipwayError } from '../errors/index.ts';
import type { Log, Progress } from '../log/index.ts';
import type { Command, Runner } from '../process/index.ts';
import { type ArchiveIndex, watchArchive } from './archive-index.ts';
import { explained } from './engine-faults.ts';
import { holdBack, NotStreamableError } from './hold-back.ts';
import { countBytes, runPipeline, untilEnough } from './pipeline.ts';
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
 * @returns all digests of the file, made while it was written
 * Throws `CONTAINER_NO_SPACE`, `ENGINE_NOT_RUNNING`, or `COMMAND_FAILED` when either side fails.
 */
export const saveImage = async (
  tools: ArchiveTools,
  reference: string,
  file: string,
  compress: Command,
): Promise<KnownDigests> => {
  const progress = tools.log.progress(`save ${reference}`);
  const saving = tools.engine.save(reference);
  const compressing = tools.effects.start(compress);
  const counted = countBytes((bytes) => progress.advance(bytes));
  const digests = createDigestStream();
  try {
    await explained(`saving ${reference} to ${file}`, () =>
      withProgress(progress, () =>
        runPipeline(
          [saving, compressing],
          [
            [saving.stdout, counted, compressing.stdin],
            [compressing.stdout, digests.stream, createWriteStream(file)],
          ],
        ),
      ),
    );
    await chmod(file, 0o644);
    return await digests.known();
  } catch (error) {
    await rm(file, { force: true });
    throw error;
  } finally {
    await digests.stop();
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
  const loading = await tools.engine.load();
  const decompressing = tools.effects.start(decompress);
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
          [decompressing.stdout, archive.stream, untilEnough(loading.stdin)],
        ],
      ),
    ),
  );
  return archive.index();
};

/**
 * Loads an image from a compressed archive while it comes, without a copy on the disk. The engine gets the end of the archive, without which it
 * has no image, only when all of it has verified; otherwise its program is killed first.
 *
 * @param name for the log
 * @param decompress standard input to standard output
 * @returns what the archive says is in it
 * Throws `NotStreamableError` for an archive that has to be verified before; else as {@link loadImage}, and what the artifact's bytes throw.
 */
export const loadStreamedImage = async (
  tools: ArchiveTools,
  name: string,
  { bytes, verified }: StreamedArtifact,
  decompress: Command,
): Promise<ArchiveIndex> => {
  const loading = await tools.engine.load();
  const decompressing = tools.effects.start(decompress);
  loading.stdout.resume();
  let reason: unknown;
  const giveUp = async (): Promise<void> => {
    loading.stop();
    await loading.done.catch(() => {});
  };
  const isRight = verified.catch((error: unknown) => {
    // Anything else says only that it was left early, and not why.
    if (error instanceof SlipwayError) reason = error;
    throw error;
  });
  isRight.catch(() => {});
  const archive = watchArchive();
  const end = holdBack(archive, isRight, giveUp);
  end.on('error', (error) => {
    reason ??= error instanceof NotStreamableError ? error : undefined;
  });
  try {
    await explained(`loading ${name}`, () =>
      runPipeline(
        [decompressing, loading],
        [
          [Readable.from(bytes, { objectMode: false }), decompressing.stdin],
          [decompressing.stdout, archive.stream, end, untilEnough(loading.stdin)],
        ],
      ),
    );
  } catch (error) {
    // What was wrong with the bytes is why everything else fell over.
    throw reason ?? error;
  }
  return archive.index();
};
