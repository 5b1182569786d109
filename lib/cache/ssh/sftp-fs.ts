import { constants } from 'node:fs';
import type { Attributes, SFTPWrapper, Stats } from 'ssh2';
import { type SlipwayError, slipwayError } from '../../errors/index.ts';
import type { CacheFs, FsEntry } from '../cache-fs.ts';
import { nameOf } from '../paths.ts';
import type { CachePath } from '../types.ts';

/** SFTP status codes (draft-ietf-secsh-filexfer-02, 7). "Failure" is all that OpenSSH says of most errno values. */
const NO_SUCH_FILE = 2;
const PERMISSION_DENIED = 3;
const FAILURE = 4;

const KINDS: ReadonlyMap<number, FsEntry['kind']> = new Map([
  [constants.S_IFDIR, 'folder'],
  [constants.S_IFREG, 'file'],
]);

const FOLDER_MODE = 0o755;

/** Says what a connection does with its operations: runs them, opening it and trying again as needed. */
export type WithSftp = <T>(doing: string, work: (sftp: SFTPWrapper) => Promise<T>) => Promise<T>;

/** Where the cache is on the server. */
export interface SftpPlace {
  readonly host: string;
  /** For messages. */
  readonly location: string;
  /** Path on the server under which the cache is; absolute, or relative to the account's home. */
  readonly prefix: string;
}

const codeOf = (error: unknown): unknown => (error as { code?: unknown }).code;

/** Whether `error` is an answer of the server, and not the end of the connection. */
export const isSftpAnswer = (error: unknown): boolean => typeof codeOf(error) === 'number';

/** Turns a callback into a promise. */
const ask = <T>(call: (done: (error: Error | undefined | null, value: T) => void) => unknown): Promise<T> =>
  new Promise((resolve, reject) => {
    call((error, value) => (error ? reject(error) : resolve(value)));
  });

const entryOf = (name: string, attrs: Stats | Attributes): FsEntry => {
  const kind = KINDS.get(attrs.mode & constants.S_IFMT) ?? 'other';
  const modifiedMs = attrs.mtime * 1000;
  return { name, kind, sizeBytes: attrs.size, modifiedMs, touchedMs: Math.max(modifiedMs, attrs.atime * 1000) };
};

/** Of a file that is written. */
export interface FileAttributes {
  /** Permission bits. */
  readonly mode: number;
  /** Of its last change, in milliseconds since 1970. */
  readonly modifiedMs: number;
}

/** {@link CacheFs} over SFTP. */
export interface SftpFs extends CacheFs {
  /** Writes a small file. False when the server lets nobody write by SFTP, as the account of docs/cache-server.md. */
  writeFile(path: CachePath, bytes: Buffer, attributes: FileAttributes): Promise<boolean>;
}

/** Makes it; nothing is sent yet. */
export const createSftpFs = (withSftp: WithSftp, place: SftpPlace): SftpFs => {
  const at = (path: CachePath): string => (path === '' ? place.prefix : `${place.prefix}/${path}`);

  const failed = (doing: string, path: CachePath, error: unknown): SlipwayError => {
    const words = { [NO_SUCH_FILE]: 'there is no such file or folder', [PERMISSION_DENIED]: 'permission denied' };
    const reason = words[codeOf(error) as keyof typeof words] ?? `the server says "${(error as Error).message}"`;
    return slipwayError('CACHE_WRITE_FAILED', { location: place.location, path, doing, reason }, error);
  };

  /** Runs an operation; status codes in `expected` are an answer, all others are a failure. */
  const attempt = <T>(
    doing: string,
    path: CachePath,
    work: (sftp: SFTPWrapper) => Promise<T>,
    expected: Readonly<Record<number, T>> = {},
  ): Promise<T> =>
    withSftp(`${doing} ${path}`, async (sftp) => {
      try {
        return await work(sftp);
      } catch (error) {
        if (!isSftpAnswer(error)) throw error;
        const code = codeOf(error) as number;
        if (code in expected) return expected[code] as T;
        throw failed(doing, path, error);
      }
    });

  const stat = (path: CachePath): Promise<FsEntry | undefined> =>
    attempt<FsEntry | undefined>(
      'look at',
      path,
      async (sftp) => entryOf(path, await ask<Stats>((done) => sftp.stat(at(path), done))),
      { [NO_SUCH_FILE]: undefined },
    );

  return {
    stat,
    lstat: (path) =>
      attempt<FsEntry | undefined>(
        'look at',
        path,
        async (sftp) => entryOf(path, await ask<Stats>((done) => sftp.lstat(at(path), done))),
        { [NO_SUCH_FILE]: undefined },
      ),
    readText: (path) =>
      attempt<string | undefined>(
        'read',
        path,
        async (sftp) => (await ask<Buffer>((done) => sftp.readFile(at(path), done))).toString('utf8'),
        { [NO_SUCH_FILE]: undefined },
      ),
    makeLink: (target, path) =>
      attempt('make the link', path, async (sftp) => {
        try {
          await ask<void>((done) => sftp.symlink(target, at(path), done));
        } catch (error) {
          // "Failure" is also what it says when the link is there, from a try whose answer was lost.
          if (codeOf(error) !== FAILURE) throw error;
          if ((await ask<string>((done) => sftp.readlink(at(path), done))) !== target) throw error;
        }
      }),
    list: (folder) =>
      attempt<readonly FsEntry[] | undefined>(
        'list',
        folder,
        async (sftp) => {
          const entries = await ask<{ filename: string; attrs: Attributes }[]>((done) =>
            sftp.readdir(at(folder), done),
          );
          return entries.map(({ filename, attrs }) => entryOf(filename, attrs));
        },
        { [NO_SUCH_FILE]: undefined },
      ),
    makeFolder: async (folder) => {
      const isNew: boolean = await attempt<boolean>(
        'make the folder',
        folder,
        async (sftp) => {
          await ask<void>((done) => sftp.mkdir(at(folder), done));
          // Whatever the umask over there: others read the cache. What a generous umask allows more, it means.
          const { mode } = await ask<Stats>((done) => sftp.stat(at(folder), done));
          if ((mode & FOLDER_MODE) !== FOLDER_MODE) {
            await ask<void>((done) => sftp.chmod(at(folder), (mode & 0o7777) | FOLDER_MODE, done));
          }
          return true;
        },
        { [FAILURE]: false, [PERMISSION_DENIED]: false },
      );
      if (isNew || (await stat(folder))?.kind === 'folder') return;
      const reason = 'the server refuses (a missing permission, a full disk, or a file of that name)';
      throw slipwayError('CACHE_WRITE_FAILED', {
        location: place.location,
        path: folder || place.prefix,
        doing: 'make the folder',
        reason,
      });
    },
    makeFile: (path) =>
      attempt('write', path, async (sftp) => {
        const handle = await ask<Buffer>((done) => sftp.open(at(path), 'a', done));
        await ask<void>((done) => sftp.close(handle, done));
      }),
    writeFile: (path, bytes, { mode, modifiedMs }) =>
      attempt<boolean>(
        'write',
        path,
        async (sftp) => {
          await ask<void>((done) => sftp.writeFile(at(path), bytes, done));
          const time = Math.floor(modifiedMs / 1000);
          await ask<void>((done) => sftp.setstat(at(path), { mode, atime: time, mtime: time }, done));
          return true;
        },
        { [PERMISSION_DENIED]: false },
      ),
    touch: (path) =>
      attempt(
        'touch',
        path,
        async (sftp) => {
          await ask<void>((done) => sftp.utimes(at(path), Date.now() / 1000, Date.now() / 1000, done));
          return true;
        },
        { [NO_SUCH_FILE]: false },
      ),
    rename: (from, to) =>
      attempt(
        `rename ${nameOf(from)} to`,
        to,
        async (sftp) => {
          // The plain rename of SFTP refuses to replace; this one is rename(2).
          await ask<void>((done) => sftp.ext_openssh_rename(at(from), at(to), done));
          return true;
        },
        { [NO_SUCH_FILE]: false, [FAILURE]: false },
      ),
    removeFile: (path) =>
      attempt(
        'delete',
        path,
        async (sftp) => {
          await ask<void>((done) => sftp.unlink(at(path), done));
          return true;
        },
        { [NO_SUCH_FILE]: false },
      ),
    removeFolder: (folder) =>
      attempt(
        'delete',
        folder,
        async (sftp) => {
          await ask<void>((done) => sftp.rmdir(at(folder), done));
          return true;
        },
        { [NO_SUCH_FILE]: false, [FAILURE]: false },
      ),
    freeBytes: () =>
      withSftp('ask for free space', async (sftp) => {
        try {
          const { f_bavail, f_frsize } = await ask<{ f_bavail: number; f_frsize: number }>((done) =>
            (sftp as unknown as StatVfs).ext_openssh_statvfs(place.prefix, done),
          );
          return f_bavail * f_frsize;
        } catch {
          // Not every server knows how to say it.
          return undefined;
        }
      }),
  };
};

interface StatVfs {
  ext_openssh_statvfs(
    path: string,
    done: (error: Error | undefined, value: { f_bavail: number; f_frsize: number }) => void,
  ): void;
}
