import { setTimeout as sleep } from 'node:timers/promises';
import type { SFTPWrapper } from 'ssh2';
import { SlipwayError, slipwayError } from '../../errors/index.ts';
import type { Log } from '../../log/index.ts';
import { TransientError } from '../failures.ts';
import { type Patience, tryAgain } from '../try-again.ts';
import { openSftpSession, type SftpSession, type SshSettings } from './connection.ts';
import { isSftpAnswer, type WithSftp } from './sftp-fs.ts';

/** What a link needs besides {@link SshSettings}. */
export interface SftpLinkOptions {
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
export const createSftpLink = (settings: SshSettings, options: SftpLinkOptions): SftpLink => {
  let opening: Promise<SftpSession> | undefined;

  /** The open session; whoever comes while it is being opened waits for the same one. */
  const getSession = async (): Promise<SftpSession> => {
    opening ??= openSftpSession(settings);
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
      throw slipwayError('CACHE_SERVER_UNSUITABLE', { host: settings.host, reason: (error as Error).message }, error);
    }
  };

  return {
    withSftp: (doing, work) =>
      tryAgain(() => runOnce(work), { ...options, host: settings.host, doing, evenWhenAborted: true }),
    close() {
      void opening?.then(
        (session) => session.close(),
        () => {},
      );
      opening = undefined;
    },
  };
};
