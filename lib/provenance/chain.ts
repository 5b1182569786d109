import { createHash } from 'node:crypto';
import { type Evidence, findMaker, type Maker } from './find-maker.ts';
import type { Dependency } from './read-statement.ts';
import type { LoadedStatement, StatementReader } from './statements.ts';

/** One link of a chain, with those that it hangs on. */
export interface ChainLink {
  readonly kind: 'artifact' | 'image' | 'step' | 'source' | 'other';
  readonly name: string;
  /** `ALGORITHM:HEX`. */
  readonly digest?: string;
  /** What makes it good, in words. */
  readonly detail?: string;
  /** Whose key signed it. */
  readonly signer?: string;
  /** `ok`; `gap`: nobody says where it is from; `broken`: what is said does not hold; `seen`: its links are further up. */
  readonly state: 'ok' | 'gap' | 'broken' | 'seen';
  /** Of a gap and a broken link. */
  readonly why?: string;
  readonly links: readonly ChainLink[];
}

/** Looks at the tag that a statement names. */
export type CheckSource = (source: {
  readonly tag: string;
  readonly commit: string;
}) => Promise<Pick<ChainLink, 'state' | 'why' | 'detail' | 'signer'>>;

/** Walks from artifacts back to the tag. */
export interface ChainWalker {
  /** The links behind an artifact. @param evidence the digest that it has or must have @param detail how that is known */
  artifact(path: string, evidence: Evidence, detail?: string): Promise<ChainLink>;
}

const signerText = ({ signedBy }: LoadedStatement): string => {
  if (signedBy.state === 'trusted') return `signed by ${signedBy.signedBy} ${signedBy.fingerprint}`;
  if (signedBy.state === 'unchecked') return `signature not checked (key ${signedBy.keyid || 'unknown'})`;
  return 'unsigned';
};

type Source = Extract<Dependency, { kind: 'source' }>;
type Image = Extract<Dependency, { kind: 'image' }>;

/** The engine's archive of an image that is fetched has the name that the ID has beside it. */
const imagePath = ({ name, version }: Image): string => `containers/${version}/${name}-${version}`;

/** An image whose archive was fetched and verified is among the artifacts. */
const wasFetched = (image: Image, dependencies: readonly Dependency[]): boolean =>
  dependencies.some((one) => one.kind === 'artifact' && one.path.startsWith(`${imagePath(image)}.`));

/** Makes a {@link ChainWalker}; what it has walked once is only named again. */
export const createChainWalker = (reader: StatementReader, checkSource: CheckSource): ChainWalker => {
  const walked = new Set<string>();

  const sourceLink = async ({ url, tag, commit }: Source, head: string | undefined): Promise<ChainLink> => {
    const base = { kind: 'source', digest: `commit:${commit}`, links: [] } as const;
    const local = head === undefined || head === commit ? '' : `, and local commits up to ${head.slice(0, 12)}`;
    if (tag === undefined)
      return { ...base, name: `git ${url}`, state: 'gap', why: `commit ${commit} of ${url} was built without a tag` };
    const { detail = '', ...checked } = await checkSource({ tag, commit });
    return { ...base, name: `git tag ${tag}`, ...checked, detail: `${detail}${local}` };
  };

  const imageLink = async (image: Image): Promise<ChainLink> => {
    const { name, version, id } = image;
    // The cache has the ID in a file of its own, and that file's digest is stated.
    const hex = createHash('sha256').update(`${id}\n`).digest('hex');
    const evidence = { algorithm: 'sha256', hex, says: `the ID ${id.slice(0, 12)} gives` } as const;
    const maker = await findMaker(reader, `${imagePath(image)}.id`, evidence);
    return linkTo({ kind: 'image', name: `image ${name}:${version}`, digest: `id:${id}` }, maker);
  };

  const dependencyLink = (dependency: Dependency, head: string | undefined): Promise<ChainLink> | ChainLink => {
    if (dependency.kind === 'source') return sourceLink(dependency, head);
    if (dependency.kind === 'image') return imageLink(dependency);
    if (dependency.kind === 'artifact') {
      const evidence = { algorithm: 'sha256', hex: dependency.sha256, says: 'what was used has' } as const;
      return walker.artifact(dependency.path, evidence);
    }
    const why = `nothing is known of the kind of ${dependency.name}`;
    return { kind: 'other', name: dependency.name, state: 'gap', why, links: [] };
  };

  const stepLink = async (loaded: LoadedStatement): Promise<ChainLink> => {
    const { path, statement } = loaded;
    const { step, arch, version, dependencies, head } = statement;
    const signer = loaded.signedBy.state === 'trusted' ? loaded.signedBy.fingerprint : undefined;
    const name = [step, arch, version].filter(Boolean).join(' ');
    const base = { kind: 'step', name, signer, detail: `${path}, ${signerText(loaded)}` } as const;
    if (walked.has(path)) return { ...base, state: 'seen', links: [] };
    walked.add(path);
    const links: ChainLink[] = [];
    if (!dependencies.some(({ kind }) => kind === 'source')) {
      links.push({ kind: 'source', name: 'git', state: 'gap', why: `${path} names no source`, links: [] });
    }
    for (const one of dependencies) {
      if (one.kind === 'image' && wasFetched(one, dependencies)) continue;
      links.push(await dependencyLink(one, head));
    }
    return { ...base, state: 'ok', links };
  };

  const linkTo = async (
    base: Pick<ChainLink, 'kind' | 'name' | 'digest' | 'detail'>,
    maker: Maker,
  ): Promise<ChainLink> => {
    if (maker.state !== 'ok') return { ...base, state: maker.state, why: maker.why, links: [] };
    return { ...base, state: 'ok', links: [await stepLink(maker.loaded)] };
  };

  const walker: ChainWalker = {
    async artifact(path, evidence, detail) {
      const digest = `${evidence.algorithm}:${evidence.hex}`;
      return linkTo({ kind: 'artifact', name: path, digest, detail }, await findMaker(reader, path, evidence));
    },
  };
  return walker;
};
