import { setTimeout as sleep } from 'node:timers/promises';
import type { SFTPWrapper } from 'ssh2';
import { SlipwayError, slipwayError } from '../../errors/index.ts';
import type { Log } from '../../log/index.ts';
import type { Runner } from '../../process/index.ts';
import { TransientError } from '../failures.ts';
import { type Patience, tryAgain } from '../try-again.ts';
import { openSftpSession, type SftpSession } from './connection.ts';
import type { SshSettings } from './settings.ts';
import { isSftpAnswer, type WithSftp } from './sftp-fs.ts';

/** What a link needs. */
export interface SftpLinkOptions {
  /** For messages. */
  readonly host: string;
  /** Asked for when the first connection is made. */
  readonly settings: () => Promise<SshSettings>;
  /** Really runs the command of a proxy, if there is one. */
  readonly runner: Runner;
  readonly patience: Patience;
  readonly log: Log;
  readonly signal?: AbortSignal;
}

const CLOSING_MS = 100;

/** One SFTP connection that is opened when first used, and again when it was cut. */
export interface SftpLink {
  readonly withSftp: WithSftp;
  close(): void;
}

/** Makes the link; nothing is sent yet. */
export const createSftpLink = (options: SftpLinkOptions): SftpLink => {
  const { host, settings, runner } = options;
  let opening: Promise<SftpSession> | undefined;

  /** The open session; whoever comes while it is being opened waits for the same one. */
  const getSession = async (): Promise<SftpSession> => {
    opening ??= settings().then((known) => openSftpSession(known, runner));
    const mine = opening;
    const session = await mine.catch((error: unknown) => {
      if (opening === mine) opening = undefined;
      throw error;
    });
    if (!session.ended()) return session;
    if (opening === mine) opening = undefined;
    return getSession();
  };

  const runOnce = async <T>(work: (sftp: SFTPWrapper) => Promise<T>): Promise<T> => {
    const session = await getSession();
    try {
      return await work(session.sftp);
    } catch (error) {
      if (error instanceof SlipwayError || isSftpAnswer(error)) throw error;
      // Operations fail a moment before the connection says that it is closed.
      if (!session.ended()) await sleep(CLOSING_MS);
      const end = session.ended();
      if (end) throw new TransientError(end.message, { cause: error });
      throw slipwayError('CACHE_SERVER_UNSUITABLE', { host, reason: (error as Error).message }, error);
    }
  };

  return {
    withSftp: (doing, work) => tryAgain(() => runOnce(work), { ...options, doing, evenWhenAborted: true }),
    close() {
      void opening?.then(
        (session) => session.close(),
        () => {},
      );
      opening = undefined;
    },
  };
};
