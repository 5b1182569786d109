import { createHash } from 'node:crypto';
import { mkdirSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { formatEnvelope, PAYLOAD_TYPE } from '../../../lib/provenance/dsse.ts';
import { type BuildRecord, makeStatement } from '../../../lib/provenance/make-statement.ts';
import { statementPath } from '../../../lib/provenance/place.ts';

export const sha256 = (text: string): string => createHash('sha256').update(text).digest('hex');
const sha512 = (text: string): string => createHash('sha512').update(text).digest('hex');

/** A record of an artifact with that content. */
export const recordOf = (path: string, content: string) => ({
  path,
  sizeBytes: content.length,
  sha256: sha256(content),
  sha512: sha512(content),
});

export const V = '4888.0.0+nightly-1';
export const COMMIT = 'c'.repeat(40);

/** What a step could say of itself. */
export const buildOf = (more: Partial<BuildRecord> = {}): BuildRecord => ({
  step: 'image',
  arch: 'amd64',
  version: V,
  arguments: ['amd64'],
  settings: { B: 1, A: 'x' },
  outputs: [recordOf(`images/amd64/${V}/os.bin`, 'image')],
  inputs: [],
  images: [],
  source: { url: 'https://git.example/os', tag: 'main-4888.0.0-nightly-1', commit: COMMIT },
  builderId: '',
  slipwayVersion: '1.2.3',
  startedAt: new Date('2026-11-20T21:00:00Z'),
  finishedAt: new Date('2026-11-20T21:30:00Z'),
  ...more,
});

/** The statement of a build. */
export const statementOf = (build: BuildRecord) => {
  const made = makeStatement(build);
  if (!made) throw new Error('the build made nothing');
  const path = statementPath(made.place);
  const json = JSON.parse(made.payload.toString());
  return { ...made, path, json };
};

/** Writes a file into the cache. */
export const putFile = (cache: string, path: string, content: string): void => {
  mkdirSync(dirname(join(cache, path)), { recursive: true });
  writeFileSync(join(cache, path), content);
};

/** Writes the statement of a build into the cache, unsigned. @returns its path */
export const putStatement = (cache: string, build: BuildRecord): string => {
  const { path, payload } = statementOf(build);
  putFile(cache, path, formatEnvelope({ payloadType: PAYLOAD_TYPE, payload, signatures: [] }));
  return path;
};
