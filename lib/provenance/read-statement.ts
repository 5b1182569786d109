import { createHash } from 'node:crypto';
import * as v from 'valibot';
import { validatePath } from '../cache/index.ts';
import { isSlipwayError, slipwayError } from '../errors/index.ts';
import { parseJson } from './dsse.ts';
import { BUILD_TYPE, PREDICATE_TYPE, STATEMENT_TYPE } from './make-statement.ts';
import { statementPath } from './place.ts';

/** Something that a step consumed. */
export type Dependency =
  | { readonly kind: 'artifact'; readonly path: string; readonly sha256: string }
  | { readonly kind: 'image'; readonly name: string; readonly version: string; readonly id: string }
  | { readonly kind: 'source'; readonly url: string; readonly tag?: string; readonly commit: string }
  /** Of a form that this version does not know. */
  | { readonly kind: 'other'; readonly name: string };

/** Digests of a subject, hex. */
export interface SubjectDigest {
  readonly sha256: string;
  readonly sha512?: string;
}

/** A statement as the chain needs it. */
export interface ReadStatement {
  readonly version: string;
  readonly step: string;
  readonly arch?: string;
  readonly arguments: readonly string[];
  /** Settings that made a difference to what was built, by name. */
  readonly settings: Readonly<Record<string, string>>;
  /** By cache path. */
  readonly subjects: ReadonlyMap<string, SubjectDigest>;
  readonly dependencies: readonly Dependency[];
  /** Commit that was checked out, when it was not the tag's. */
  readonly head?: string;
  /** Vendor formats that were made. */
  readonly made: readonly string[];
  readonly builderId: string;
  readonly finishedOn: string;
}

const COMMIT = /^(?:[0-9a-f]{40}|[0-9a-f]{64})$/;

/** It is printed on terminals, and nothing that we write has control characters. */
const text = v.pipe(v.string(), v.regex(/^\P{Cc}*$/u, 'Expected text without control characters'));
const hex = (digits: '40' | '64' | '128') =>
  v.pipe(v.string(), v.regex(new RegExp(`^[0-9a-f]{${digits}}$`), `Expected ${digits} hex digits`));

const isPath = (path: string): boolean => {
  try {
    validatePath(path);
    return true;
  } catch (error) {
    if (!isSlipwayError(error, 'CACHE_PATH_INVALID')) throw error;
    return false;
  }
};

const cachePath = v.pipe(text, v.check(isPath, 'Expected a path of the cache'));

/** Only what is used is looked at; fields that are new are passed over, as the standard asks. */
const statementSchema = v.object({
  _type: v.literal(STATEMENT_TYPE),
  predicateType: v.literal(PREDICATE_TYPE),
  subject: v.pipe(
    v.array(v.object({ name: cachePath, digest: v.object({ sha256: hex('64'), sha512: v.optional(hex('128')) }) })),
    v.minLength(1),
  ),
  predicate: v.object({
    buildDefinition: v.object({
      buildType: v.literal(BUILD_TYPE),
      externalParameters: v.object({
        step: text,
        arch: v.optional(text),
        version: text,
        arguments: v.array(text),
        settings: v.optional(
          v.record(v.string(), v.pipe(v.union([text, v.number(), v.boolean()]), v.transform(String))),
          {},
        ),
      }),
      internalParameters: v.optional(
        v.object({ head: v.optional(v.pipe(text, v.regex(COMMIT))), made: v.optional(v.array(text)) }),
      ),
      resolvedDependencies: v.array(
        v.object({ uri: v.optional(text), name: v.optional(text), digest: v.record(v.string(), text) }),
      ),
    }),
    runDetails: v.object({
      builder: v.object({ id: text }),
      metadata: v.object({ finishedOn: v.pipe(text, v.isoTimestamp()) }),
    }),
  }),
});

type RawDependency = v.InferOutput<
  typeof statementSchema
>['predicate']['buildDefinition']['resolvedDependencies'][number];

const IMAGE = /^pkg:docker\/([a-z0-9._-]+)@([\w.-]+)$/;
const SOURCE = /^git\+(.*?)(?:@refs\/tags\/([^@]+))?$/;
const SHA256 = /^[0-9a-f]{64}$/;

const dependencyOf = ({ uri = '', name = '', digest }: RawDependency): Dependency => {
  const { sha256 = '', gitCommit = '' } = digest;
  const source = COMMIT.test(gitCommit) ? SOURCE.exec(uri) : null;
  if (source) return { kind: 'source', url: source[1] ?? '', tag: source[2], commit: gitCommit };
  const image = SHA256.test(sha256) ? IMAGE.exec(uri) : null;
  if (image) return { kind: 'image', name: image[1] ?? '', version: image[2] ?? '', id: sha256 };
  if (SHA256.test(sha256) && uri === '' && isPath(name)) return { kind: 'artifact', path: name, sha256 };
  return { kind: 'other', name: name || uri || 'a dependency without a name' };
};

/** The part of a statement that its name is made from; see `makeStatement`. */
const keyOf = (payload: string): string => {
  const { subject, predicate } = JSON.parse(payload) as { subject: unknown; predicate: { buildDefinition: unknown } };
  const { buildDefinition } = predicate;
  return createHash('sha256').update(JSON.stringify({ subject, buildDefinition })).digest('hex');
};

/**
 * Reads a statement and makes sure that it is the one that belongs to its place: one that is served under the name of another version, step,
 * architecture or run is refused.
 *
 * @param payload of the envelope
 * @param path where the cache has it
 * @throws PROVENANCE_INVALID, PROVENANCE_MISPLACED
 */
export const readStatement = (payload: Buffer, path: string): ReadStatement => {
  const json = payload.toString('utf8');
  const { subject, predicate } = parseJson(statementSchema, json, path);
  const { externalParameters, internalParameters, resolvedDependencies } = predicate.buildDefinition;
  const { step, arch, version } = externalParameters;
  const belongs = statementPath({ version, step, arch, key: keyOf(json) });
  if (belongs !== path) throw slipwayError('PROVENANCE_MISPLACED', { path, belongs });
  const subjects = new Map(subject.map(({ name, digest }) => [name, digest]));
  if (subjects.size < subject.length)
    throw slipwayError('PROVENANCE_INVALID', { path, reason: 'it names a subject twice' });
  return {
    version,
    step,
    arch,
    arguments: externalParameters.arguments,
    settings: externalParameters.settings,
    subjects,
    dependencies: resolvedDependencies.map(dependencyOf),
    head: internalParameters?.head,
    made: internalParameters?.made ?? [],
    builderId: predicate.runDetails.builder.id,
    finishedOn: predicate.runDetails.metadata.finishedOn,
  };
};
