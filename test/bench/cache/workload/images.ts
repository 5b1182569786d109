import { spawn } from 'node:child_process';
import { createReadStream, createWriteStream } from 'node:fs';
import { mkdir, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { createZstdDecompress } from 'node:zlib';
import { run } from '../shell.ts';
import type { Night } from './lists.ts';
import { TouchTar } from './tar-times.ts';
import type { Workload } from './workload.ts';

/** One image of one night, as the engine has it. */
export interface BenchImage {
  /** For example `bench-sdk`; one name over all nights. */
  readonly name: string;
  readonly version: string;
  /** 64 hex digits. */
  readonly id: string;
}

export const referenceOf = ({ name, version }: Pick<BenchImage, 'name' | 'version'>): string => `${name}:${version}`;

/** A zstd-compressed tar, with other times when wanted. */
export const openTar = (file: string, touched: boolean): Readable => {
  const raw = createReadStream(file, { highWaterMark: 1 << 20 }).pipe(createZstdDecompress({ chunkSize: 1 << 20 }));
  return touched ? raw.pipe(new TouchTar()) : raw;
};

/** The engine's ID of an image, or undefined. */
export const findImageId = async (reference: string): Promise<string | undefined> => {
  const text = await run('docker', ['images', '--no-trunc', '--quiet', reference]);
  return text === '' ? undefined : text.replace(/^sha256:/, '');
};

const idOf = async (reference: string): Promise<string> => {
  const id = await findImageId(reference);
  if (id === undefined) throw new Error(`the engine has no ${reference}`);
  return id;
};

/** `docker import` of a tar stream: an image of one layer. */
export const importTar = async (tar: Readable, reference: string): Promise<void> => {
  const child = spawn('docker', ['import', '-', reference], { stdio: ['pipe', 'ignore', 'inherit'] });
  const ended = new Promise<number | null>((resolve) => child.once('close', resolve));
  await pipeline(tar, child.stdin);
  if ((await ended) !== 0) throw new Error(`docker import ${reference} failed`);
};

/** What both images of a night are called. */
export const imagesOf = (
  night: string,
): { sdk: { name: string; version: string }; packages: { name: string; version: string } } => {
  const version = `1.0.0-${night}`;
  return { sdk: { name: 'bench-sdk', version }, packages: { name: 'bench-packages', version } };
};

/**
 * Makes the images of a night: the SDK by `docker import`, the packages image by `docker build` on top of it.
 *
 * @param work absolute path of a folder for the build context; removed again
 */
export const makeImages = async (
  workload: Workload,
  night: Night,
  work: string,
): Promise<{ readonly sdk: BenchImage; readonly packages: BenchImage }> => {
  const { sdk, packages } = imagesOf(night);
  const tars = workload.tars(night);
  await importTar(openTar(tars.sdk, tars.touched), referenceOf(sdk));
  await mkdir(work, { recursive: true });
  try {
    await pipeline(openTar(tars.layer, tars.touched), createWriteStream(join(work, 'layer.tar')));
    await writeFile(join(work, 'Dockerfile'), `FROM ${referenceOf(sdk)}\nADD layer.tar /\n`);
    // The classic builder is in every docker.
    await run('docker', ['build', '--quiet', '--no-cache', '-t', referenceOf(packages), work], {
      DOCKER_BUILDKIT: '0',
    });
  } finally {
    await rm(work, { recursive: true, force: true });
  }
  return {
    sdk: { ...sdk, id: await idOf(referenceOf(sdk)) },
    packages: { ...packages, id: await idOf(referenceOf(packages)) },
  };
};

/** Takes images away from the engine; fine when they are not there. */
export const removeImages = async (references: readonly string[]): Promise<void> => {
  for (const reference of references) {
    if ((await findImageId(reference)) !== undefined) await run('docker', ['image', 'rm', '--force', reference]);
  }
};

/** Names of all images of this benchmark that the engine has. */
export const listBenchImages = async (): Promise<string[]> => {
  const text = await run('docker', ['images', '--format', '{{.Repository}}:{{.Tag}}']);
  return text.split('\n').filter((reference) => /^bench-(sdk|packages|night)(-|:)/.test(reference));
};
