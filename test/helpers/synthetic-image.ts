import { createHash, hash } from 'node:crypto';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { type CacheStore, createArtifactCache } from '../../lib/cache/index.ts';
import { formatManifest, openPublishSession } from '../../lib/dedup/index.ts';
import { silentLog } from '../../lib/log/index.ts';
import type { Signer } from '../../lib/signing/index.ts';

/** Bytes that do not compress, the same for the same seed. */
export const noise = (seed: string, length: number): Buffer => {
  const parts: Buffer[] = [];
  for (let at = 0; at * 64 < length; at += 1) parts.push(createHash('sha512').update(`${seed} ${at}`).digest());
  return Buffer.concat(parts).subarray(0, length);
};

const header = (name: string, size: number): Buffer => {
  const block = Buffer.alloc(512);
  block.write(name, 0);
  block.write('0000644\0', 100);
  block.write('0000000\0', 108);
  block.write('0000000\0', 116);
  block.write(`${size.toString(8).padStart(11, '0')}\0`, 124);
  block.write('00000000000\0', 136);
  block.write('        ', 148);
  block.write('0', 156);
  block.write('ustar\0', 257);
  block.write('00', 263);
  const sum = block.reduce((total, byte) => total + byte, 0);
  block.write(`${sum.toString(8).padStart(6, '0')}\0 `, 148);
  return block;
};

/** A layer: a tar archive of files. */
export const makeLayer = (files: Readonly<Record<string, Buffer>>): Buffer => {
  const parts = Object.entries(files).flatMap(([name, data]) => [
    header(name, data.length),
    data,
    Buffer.alloc((512 - (data.length % 512)) % 512),
  ]);
  return Buffer.concat([...parts, Buffer.alloc(1024)]);
};

/** A container image without an engine. */
export interface SyntheticImage {
  readonly name: string;
  readonly version: string;
  readonly layers: readonly Buffer[];
}

async function* once(data: Buffer): AsyncGenerator<Buffer> {
  yield data;
}

/** What goes on around the manifest's publication; for tests that get in between. */
export interface PublishHooks {
  readonly beforeManifest?: () => Promise<void>;
  readonly beforeConfirm?: () => Promise<void>;
  readonly signer?: Signer;
}

/** Publishes an image into the deduplicated store as the steps do: layers, manifest, `.id`, confirmation. */
export const publishSynthetic = async (
  store: CacheStore,
  temp: string,
  { name, version, layers }: SyntheticImage,
  hooks: PublishHooks = {},
): Promise<void> => {
  await mkdir(temp, { recursive: true });
  const folder = await mkdtemp(join(temp, 'publish-'));
  const byId = new Map(layers.map((data) => [hash('sha256', data, 'hex'), data]));
  const diffIds = layers.map((data) => hash('sha256', data, 'hex'));
  const session = await openPublishSession({ store, log: silentLog }, { name, diffIds, folder });
  for (const diffId of session.missing) await session.addLayer(diffId, once(byId.get(diffId) as Buffer));
  const pointers = await session.finish();
  const config = JSON.stringify({
    architecture: 'amd64',
    os: 'linux',
    config: {},
    rootfs: { type: 'layers', diff_ids: diffIds.map((id) => `sha256:${id}`) },
  });
  const imageId = hash('sha256', config, 'hex');
  const base = `${name}-${version}`;
  const manifest = formatManifest({
    slipwayImage: 1,
    name,
    version,
    imageId,
    config,
    configDigest: imageId,
    layers: pointers.map(({ diffId, sizeBytes, recipes }) => ({ diffId, sizeBytes, recipes: [...recipes] })),
  });
  await writeFile(join(folder, `${base}.image.json`), manifest);
  await writeFile(join(folder, `${base}.id`), `sha256:${imageId}\n`);
  await hooks.beforeManifest?.();
  const cache = createArtifactCache({ store, signer: hooks.signer });
  const files = [join(folder, `${base}.image.json`), join(folder, `${base}.id`)];
  await cache.publish({ folder: `containers/${version}`, files, last: [`${base}.id`] });
  await hooks.beforeConfirm?.();
  await session.confirm(version);
  await rm(folder, { recursive: true });
};
