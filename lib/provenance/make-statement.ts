import { createHash } from 'node:crypto';
import type { ArtifactRecord } from '../cache/index.ts';
import type { StatementPlace } from './place.ts';

/** Form of the statements: https://github.com/in-toto/attestation, spec/v1/statement.md. */
export const STATEMENT_TYPE = 'https://in-toto.io/Statement/v1';
/** Form of what they say: https://slsa.dev/spec/v1.0/provenance. */
export const PREDICATE_TYPE = 'https://slsa.dev/provenance/v1';
/** Names what `externalParameters` and `resolvedDependencies` mean: docs/provenance.md. */
export const BUILD_TYPE = 'urn:slipway:step:v1';
/** Who built, when nobody gave the builder a name. */
export const BUILDER_ID = 'urn:slipway:builder';

/** A container image that a step used. */
export interface UsedImage {
  /** Without registry. */
  readonly name: string;
  /** With `-` for `+`. */
  readonly version: string;
  /** 64 hex digits. */
  readonly id: string;
}

/** Where the step's sources are from. */
export interface BuildSource {
  /** Without credentials; empty when the clone has no remote. */
  readonly url: string;
  /** The tag that was built, and its commit; without a tag the commit that was checked out. */
  readonly tag?: string;
  readonly commit: string;
  /** The commit that was checked out, when it is another: local commits on top of the tag. */
  readonly head?: string;
}

/** What a step knows of itself when it is over. */
export interface BuildRecord {
  readonly step: string;
  readonly arch?: string;
  /** Cache form; the statement is filed under it. */
  readonly version: string;
  readonly arguments: readonly string[];
  /** Settings that make a difference to what was built. Never secrets. */
  readonly settings: Readonly<Record<string, string | number | boolean>>;
  readonly outputs: readonly ArtifactRecord[];
  readonly inputs: readonly ArtifactRecord[];
  readonly images: readonly UsedImage[];
  readonly source?: BuildSource;
  /** Vendor formats that were made, whatever was asked for. */
  readonly made?: readonly string[];
  /** A URI; empty: {@link BUILDER_ID}. */
  readonly builderId: string;
  readonly slipwayVersion: string;
  readonly startedAt: Date;
  readonly finishedAt: Date;
}

/** A statement that is ready to be signed. */
export interface MadeStatement {
  readonly place: StatementPlace;
  /** The JSON text that the envelope holds; the same for the same record. */
  readonly payload: Buffer;
}

const compare = (a: string, b: string): number => (a < b ? -1 : Number(a > b));

/** Each path once, the last record counts; sorted. */
const byPath = (records: readonly ArtifactRecord[]): ArtifactRecord[] =>
  [...new Map(records.map((record) => [record.path, record])).values()].sort((a, b) => compare(a.path, b.path));

const digestOf = ({ sha256, sha512 }: ArtifactRecord) => (sha512 === undefined ? { sha256 } : { sha256, sha512 });

const sourceOf = ({ url, tag, commit }: BuildSource) => ({
  uri: `git+${url}${tag === undefined ? '' : `@refs/tags/${tag}`}`,
  digest: { gitCommit: commit },
});

/** https://github.com/package-url/purl-spec; the ID is the digest of the image's configuration. */
const imageOf = ({ name, version, id }: UsedImage) => ({
  uri: `pkg:docker/${name}@${version}`,
  digest: { sha256: id },
});

/** The same image asked for twice is one dependency. */
const uniqueImages = (images: readonly UsedImage[]) =>
  [...new Map(images.map((image) => [`${image.name} ${image.version} ${image.id}`, imageOf(image)])).values()].sort(
    (a, b) => compare(a.uri, b.uri),
  );

const sortedEntries = <T>(record: Readonly<Record<string, T>>): Record<string, T> =>
  Object.fromEntries(Object.entries(record).sort(([a], [b]) => compare(a, b)));

/**
 * Makes the in-toto statement of a step, with SLSA provenance.
 *
 * What the step took from the cache and published again as it was (binary packages of earlier builds) was not made by it and is no subject.
 *
 * @returns undefined when the step made nothing
 */
export const makeStatement = (build: BuildRecord): MadeStatement | undefined => {
  const { step, arch, version, source } = build;
  const inputs = byPath(build.inputs);
  const taken = new Set(inputs.map(({ path, sha256 }) => `${sha256} ${path}`));
  const made = byPath(build.outputs).filter(({ path, sha256 }) => !taken.has(`${sha256} ${path}`));
  if (made.length === 0) return undefined;
  const subject = made.map((record) => ({ name: record.path, digest: digestOf(record) }));
  const buildDefinition = {
    buildType: BUILD_TYPE,
    externalParameters: { step, arch, version, arguments: build.arguments, settings: sortedEntries(build.settings) },
    internalParameters: { head: source?.head, made: build.made?.length ? [...build.made].sort(compare) : undefined },
    resolvedDependencies: [
      ...(source ? [sourceOf(source)] : []),
      ...uniqueImages(build.images),
      ...inputs.map((record) => ({ name: record.path, digest: { sha256: record.sha256 } })),
    ],
  };
  const runDetails = {
    builder: { id: build.builderId || BUILDER_ID, version: { slipway: build.slipwayVersion } },
    metadata: { startedOn: build.startedAt.toISOString(), finishedOn: build.finishedAt.toISOString() },
  };
  const predicate = { buildDefinition, runDetails };
  const statement = { _type: STATEMENT_TYPE, subject, predicateType: PREDICATE_TYPE, predicate };
  const key = createHash('sha256').update(JSON.stringify({ subject, buildDefinition })).digest('hex');
  return { place: { version, step, arch, key }, payload: Buffer.from(JSON.stringify(statement)) };
};
