import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';

/** A container registry on this machine, with one image; the engine pulls from it as from any other. */
export interface TestRegistry {
  /** Of the image, for example `127.0.0.1:40001/tools:1`. */
  readonly reference: string;
  /** Paths that were asked for since the last call. */
  takeRequests(): string[];
  close(): Promise<void>;
}

const digestOf = (bytes: Buffer): string => `sha256:${createHash('sha256').update(bytes).digest('hex')}`;

const MANIFEST = 'application/vnd.oci.image.manifest.v1+json';

interface Blob {
  readonly type: string;
  readonly bytes: Buffer;
}

/** The image as a registry has it: a manifest, a config, a layer. */
const makeImage = (layer: Buffer): { manifest: Blob; blobs: Map<string, Blob> } => {
  const layerDigest = digestOf(layer);
  const architecture = process.arch === 'arm64' ? 'arm64' : 'amd64';
  const config = Buffer.from(
    JSON.stringify({
      architecture,
      os: 'linux',
      config: { Env: ['PATH=/usr/sbin:/usr/bin:/sbin:/bin'] },
      rootfs: { type: 'layers', diff_ids: [layerDigest] },
    }),
  );
  const describe = (mediaType: string, bytes: Buffer) => ({ mediaType, size: bytes.length, digest: digestOf(bytes) });
  const manifest = Buffer.from(
    JSON.stringify({
      schemaVersion: 2,
      mediaType: MANIFEST,
      config: describe('application/vnd.oci.image.config.v1+json', config),
      layers: [describe('application/vnd.oci.image.layer.v1.tar', layer)],
    }),
  );
  const blob = (bytes: Buffer): [string, Blob] => [digestOf(bytes), { type: 'application/octet-stream', bytes }];
  return { manifest: { type: MANIFEST, bytes: manifest }, blobs: new Map([blob(config), blob(layer)]) };
};

const close = (server: Server): Promise<void> => {
  server.closeAllConnections();
  return new Promise((resolve) => void server.close(() => resolve()));
};

/**
 * Starts a registry.
 *
 * @param layerFile a tar of the image's root folder, not compressed
 */
export const startRegistry = async (layerFile: string): Promise<TestRegistry> => {
  const { manifest, blobs } = makeImage(readFileSync(layerFile));
  let requests: string[] = [];
  const server = createServer((request, response) => {
    const path = request.url ?? '';
    requests.push(path);
    const digest = /\/blobs\/(sha256:[0-9a-f]+)$/.exec(path)?.[1];
    const found = path.includes('/manifests/') ? manifest : blobs.get(digest ?? '');
    if (path === '/v2/') response.writeHead(200).end();
    else if (!found) response.writeHead(404).end();
    else {
      const headers = { 'content-type': found.type, 'content-length': found.bytes.length };
      response.writeHead(200, { ...headers, 'docker-content-digest': digestOf(found.bytes) });
      response.end(request.method === 'HEAD' ? undefined : found.bytes);
    }
  });
  await new Promise<void>((resolve) => void server.listen(0, '127.0.0.1', () => resolve()));
  const { port } = server.address() as AddressInfo;
  return {
    // The engine trusts plain HTTP on this machine only.
    reference: `127.0.0.1:${port}/tools:1`,
    takeRequests() {
      const taken = requests;
      requests = [];
      return taken;
    },
    close: () => close(server),
  };
};
