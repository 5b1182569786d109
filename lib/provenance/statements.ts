import type { CacheStore } from '../cache/index.ts';
import { isSlipwayError, SlipwayError } from '../errors/index.ts';
import { inParallel } from '../process/index.ts';
import type { Verifier } from '../signing/index.ts';
import { explainVersionNumber } from '../version/index.ts';
import { parseEnvelope } from './dsse.ts';
import { isStatementName, PROVENANCE_FOLDER, provenanceFolder } from './place.ts';
import { type ReadStatement, readStatement } from './read-statement.ts';
import { checkEnvelope, type SignedBy } from './sign.ts';

/** A statement as it was found in the cache. */
export interface LoadedStatement {
  readonly path: string;
  readonly statement: ReadStatement;
  readonly signedBy: SignedBy;
}

/** A file where a statement belongs, and why it is none. */
export interface BadStatement {
  readonly path: string;
  /** One line. */
  readonly why: string;
}

/** The statements on one version. */
export interface VersionStatements {
  readonly good: readonly LoadedStatement[];
  readonly bad: readonly BadStatement[];
}

/** Reads statements; each folder once. */
export interface StatementReader {
  /** @param version cache form */
  ofVersion(version: string): Promise<VersionStatements>;
  /** The statements on all versions that name a path; for places that versions share. */
  naming(path: string): Promise<readonly LoadedStatement[]>;
}

/** What reading statements works with. */
export interface StatementReaderParts {
  readonly store: CacheStore;
  /** Undefined: signatures are not asked for. */
  readonly verifier: Verifier | undefined;
  /** Absolute path of a folder for temporary files. */
  readonly temp: string;
}

const READS_AT_ONCE = 8;

/** Some ten thousand subjects; no statement of ours comes near it. */
const MAX_BYTES = 64 * 1024 * 1024;

type Read = { readonly loaded: LoadedStatement } | { readonly bad: BadStatement };

const readOne = async ({ store, verifier, temp }: StatementReaderParts, path: string): Promise<Read> => {
  try {
    const text = (await store.readBytes(path, MAX_BYTES))?.toString('utf8') ?? '';
    const envelope = parseEnvelope(text, path);
    const statement = readStatement(envelope.payload, path);
    return { loaded: { path, statement, signedBy: await checkEnvelope(envelope, verifier, temp) } };
  } catch (error) {
    // What is wrong with the file is one link's fault; a cache that does not answer is not.
    if (
      !(error instanceof SlipwayError) ||
      !(error.kind === 'unverified' || isSlipwayError(error, 'CACHE_FILE_TOO_LONG'))
    )
      throw error;
    return { bad: { path, why: error.message.replace(/\.$/, '') } };
  }
};

const isVersion = (name: string): boolean => explainVersionNumber(name) === undefined;

/** Reads the statements of a cache. */
export const createStatementReader = (parts: StatementReaderParts): StatementReader => {
  const { store } = parts;
  const seen = new Map<string, Promise<VersionStatements>>();
  let everything: Promise<ReadonlyMap<string, readonly LoadedStatement[]>> | undefined;

  const load = async (version: string): Promise<VersionStatements> => {
    const folder = provenanceFolder(version);
    const names = (await store.list(folder)).filter(isStatementName);
    const read = await inParallel(names, READS_AT_ONCE, (name) => readOne(parts, `${folder}/${name}`));
    return {
      good: read.flatMap((one) => ('loaded' in one ? one.loaded : [])),
      bad: read.flatMap((one) => ('bad' in one ? one.bad : [])),
    };
  };

  const ofVersion = (version: string): Promise<VersionStatements> => {
    const known = seen.get(version) ?? load(version);
    seen.set(version, known);
    return known;
  };

  const indexAll = async (): Promise<ReadonlyMap<string, readonly LoadedStatement[]>> => {
    const index = new Map<string, LoadedStatement[]>();
    for (const version of (await store.list(PROVENANCE_FOLDER)).filter(isVersion)) {
      for (const loaded of (await ofVersion(version)).good) {
        for (const path of loaded.statement.subjects.keys()) index.set(path, [...(index.get(path) ?? []), loaded]);
      }
    }
    return index;
  };

  return {
    ofVersion,
    naming: async (path) => {
      everything ??= indexAll();
      return (await everything).get(path) ?? [];
    },
  };
};
