import { provenanceFolder, versionOfPath } from './place.ts';
import type { LoadedStatement, StatementReader } from './statements.ts';

/** A digest of an artifact and where it is from, in words. */
export interface Evidence {
  readonly algorithm: 'sha256' | 'sha512';
  readonly hex: string;
  /** For example `its bytes have`. */
  readonly says: string;
}

/** Which statement says how an artifact came to be. */
export type Maker =
  | { readonly state: 'ok'; readonly loaded: LoadedStatement }
  /** `gap`: nobody says it; `broken`: what is said is not true, or not by somebody trusted. */
  | { readonly state: 'gap' | 'broken'; readonly why: string };

const newestFirst = (a: LoadedStatement, b: LoadedStatement): number =>
  a.statement.finishedOn < b.statement.finishedOn ? 1 : -1;

const short = (hex: string): string => hex.slice(0, 12);

/** Among statements that name the path: one with the digest, signed as it should be; of several the newest. */
const choose = (path: string, { algorithm, hex, says }: Evidence, naming: readonly LoadedStatement[]): Maker => {
  const digestIn = ({ statement }: LoadedStatement): string | undefined => statement.subjects.get(path)?.[algorithm];
  const matching = naming.filter((one) => digestIn(one) === hex).sort(newestFirst);
  const [untrusted] = matching;
  const [other] = naming;
  const loaded = matching.find(({ signedBy }) => signedBy.state !== 'untrusted');
  if (loaded) return { state: 'ok', loaded };
  if (untrusted?.signedBy.state === 'untrusted')
    return { state: 'broken', why: `${untrusted.path}: ${untrusted.signedBy.why}` };
  const stated = other && digestIn(other);
  const why = `${says} ${algorithm} ${short(hex)}, but ${other?.path} says ${stated ? short(stated) : 'another'}`;
  return { state: 'broken', why };
};

/** For places that versions share, such as the store of binary packages; there, other digests are those of other builds. */
const findAnywhere = async (reader: StatementReader, path: string, evidence: Evidence): Promise<Maker | undefined> => {
  const naming = await reader.naming(path);
  const known = naming.filter(({ statement }) => statement.subjects.get(path)?.[evidence.algorithm] === evidence.hex);
  return known.length > 0 ? choose(path, evidence, known) : undefined;
};

/**
 * Finds the statement on an artifact: in the folder of the version that its path has; else among all, because logs are filed under the version of
 * the SDK that wrote them.
 */
export const findMaker = async (reader: StatementReader, path: string, evidence: Evidence): Promise<Maker> => {
  const version = versionOfPath(path);
  const { good, bad } = version === undefined ? { good: [], bad: [] } : await reader.ofVersion(version);
  const naming = good.filter(({ statement }) => statement.subjects.has(path));
  if (naming.length > 0) return choose(path, evidence, naming);
  const elsewhere = await findAnywhere(reader, path, evidence);
  if (elsewhere) return elsewhere;
  if (version === undefined) {
    return { state: 'gap', why: `no statement names ${path} with ${evidence.algorithm} ${short(evidence.hex)}` };
  }
  // It may be the one that is missing.
  if (bad[0]) return { state: 'broken', why: bad[0].why };
  return { state: 'gap', why: `no statement in ${provenanceFolder(version)} names ${path}` };
};
