import { mkdir } from 'node:fs/promises';
import type { Runner, RunOptions } from '../process/index.ts';
import type { GitQueries } from './types.ts';

/** A tag of this clone. */
export interface LocalTag {
  /** The object that the ref holds: of an annotated tag the tag object. */
  readonly object: string;
  /** Of an annotated tag the tagger's date, else the committer's; undefined when there is none. */
  readonly createdAt: Date | undefined;
}

/**
 * Reads tags of the remote as they are now, also those that this clone does not have, without changing anything in the clone: objects that are
 * missing go to a folder of their own. All methods throw `COMMAND_FAILED`.
 */
export interface TagReader {
  /** Tags of the remote: short name to the object that the ref holds. */
  remoteTags(): Promise<ReadonlyMap<string, string>>;
  /** Tags of this clone by short name. */
  localTags(): Promise<ReadonlyMap<string, LocalTag>>;
  /** Brings what tags of the remote stand for to the folder of objects, as far as the clone does not have it. */
  bring(names: readonly string[]): Promise<void>;
  /** When a tag or commit was made; undefined when it does not say. @param object its name; brought before, or in the clone */
  createdAt(object: string): Promise<Date | undefined>;
  /** A text file at a path of a tag or commit, or undefined when there is none. @param object as above */
  textAt(object: string, path: string): Promise<string | undefined>;
  /** A tag object as git keeps it: headers, message, signature. @param object as above */
  tagText(object: string): Promise<string>;
}

/** What a reader needs. */
export interface TagReaderSettings {
  /** Asks about the clone. */
  readonly git: Pick<GitQueries, 'cwd' | 'remoteRefs'>;
  /** Runs questions; must really run with `--plan` too. */
  readonly query: Runner;
  /** Absolute path of a folder for the objects that the clone does not have; made when needed. */
  readonly objects: string;
  /** Default `origin`. */
  readonly remote?: string;
}

const TAGS = 'refs/tags/';

const dateOf = (seconds: string | undefined): Date | undefined =>
  seconds === undefined || seconds === '' ? undefined : new Date(Number(seconds) * 1000);

/**
 * The date of a commit or tag object.
 *
 * @param text as `git cat-file -p` prints it: headers, an empty line, the message
 */
export const parseObjectDate = (text: string): Date | undefined => {
  const [headers = ''] = text.split('\n\n', 1);
  return dateOf(/^(?:tagger|committer) .*> (\d+) [+-]\d+$/m.exec(headers)?.[1]);
};

/** Makes a {@link TagReader}. */
export const createTagReader = ({ git, query, objects, remote = 'origin' }: TagReaderSettings): TagReader => {
  let ownObjects: string | undefined;
  const ask = async (args: readonly string[], options: RunOptions = {}): Promise<string> => {
    // With another folder for new objects git writes nothing to the clone's own.
    const place = ownObjects && { GIT_OBJECT_DIRECTORY: objects, GIT_ALTERNATE_OBJECT_DIRECTORIES: ownObjects };
    const env = { GIT_TERMINAL_PROMPT: '0', GIT_OPTIONAL_LOCKS: '0', ...place };
    const { stdout } = await query.run(['git', ...args], { cwd: git.cwd, stdout: 'capture', env, ...options });
    return stdout;
  };

  return {
    async remoteTags() {
      const refs = await git.remoteRefs([`${TAGS}*`]);
      const tags = [...refs].filter(([ref]) => ref.startsWith(TAGS) && !ref.endsWith('^{}'));
      return new Map(tags.map(([ref, object]) => [ref.slice(TAGS.length), object]));
    },
    async localTags() {
      const format = '--format=%(objectname) %(creatordate:unix) %(refname)';
      const lines = (await ask(['for-each-ref', format, TAGS])).split('\n').filter(Boolean);
      return new Map(
        lines.map((line) => {
          const [object = '', seconds, ref = ''] = line.split(' ');
          return [ref.slice(TAGS.length), { object, createdAt: dateOf(seconds) }];
        }),
      );
    },
    async bring(names) {
      if (names.length === 0) return;
      // Git takes a folder that is not there for a broken repository.
      await mkdir(objects, { recursive: true });
      ownObjects ??= await ask(['rev-parse', '--path-format=absolute', '--git-path', 'objects']);
      const nothingElse = ['--quiet', '--no-tags', '--no-write-fetch-head', '--no-auto-maintenance', '--refmap='];
      await ask(['fetch', ...nothingElse, '--no-recurse-submodules', '--stdin', remote], {
        input: `${names.map((name) => `${TAGS}${name}`).join('\n')}\n`,
      });
    },
    createdAt: async (object) => parseObjectDate(await ask(['cat-file', '-p', object])),
    async textAt(object, path) {
      const listed = await ask(['ls-tree', '--full-tree', '-z', object, '--', path]);
      const blob = /^\d+ blob ([0-9a-f]+)\t/.exec(listed)?.[1];
      return blob === undefined ? undefined : ask(['cat-file', 'blob', blob]);
    },
    tagText: (object) => ask(['cat-file', 'tag', object]),
  };
};
