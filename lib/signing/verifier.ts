import { readdir, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { type SlipwayError, slipwayError } from '../errors/index.ts';
import type { Runner } from '../process/index.ts';
import { createGpgHome, type GpgHome } from './gpg-home.ts';
import { parseStatus, verdictOf } from './gpg-status.ts';
import type { Verifier } from './types.ts';

/** Whom to trust. */
export interface VerifierSettings {
  /** Absolute path of a file or folder with public keys; empty or undefined: signatures are not asked for. */
  readonly trustedKeys: string | undefined;
  /** Must really run commands: verifying changes nothing. */
  readonly runner: Runner;
  /** Absolute path of a folder for temporary files. */
  readonly parent: string;
}

const invalid = (trustedKeys: string, reason: string, cause?: unknown): SlipwayError =>
  slipwayError('TRUSTED_KEYS_INVALID', { trustedKeys, reason }, cause);

const findKeyFiles = async (trustedKeys: string): Promise<string[]> => {
  try {
    if (!(await stat(trustedKeys)).isDirectory()) return [trustedKeys];
    const entries = await readdir(trustedKeys, { withFileTypes: true });
    return entries
      .filter((entry) => !entry.isDirectory() && !entry.name.startsWith('.'))
      .map((entry) => join(trustedKeys, entry.name))
      .sort();
  } catch (error) {
    throw invalid(trustedKeys, `it cannot be read (${(error as NodeJS.ErrnoException).code})`, error);
  }
};

const importKeys = async (home: GpgHome, trustedKeys: string): Promise<void> => {
  const files = await findKeyFiles(trustedKeys);
  if (files.length === 0) throw invalid(trustedKeys, 'the folder is empty');
  const { stdout } = await home.gpg(['--import', '--', ...files]);
  if (!parseStatus(stdout).some((line) => line.keyword === 'IMPORT_OK'))
    throw invalid(trustedKeys, 'no public key is in it');
};

/**
 * Opens a verifier that accepts signatures by the given keys only.
 *
 * @returns undefined when no keys are configured
 * Throws `TRUSTED_KEYS_INVALID`.
 */
export const openVerifier = async ({
  trustedKeys,
  runner,
  parent,
}: VerifierSettings): Promise<Verifier | undefined> => {
  if (!trustedKeys) return undefined;
  const home = await createGpgHome({ runner, parent });
  try {
    await importKeys(home, trustedKeys);
    return {
      trustedKeys,
      async verify(file, signatureFile, { path } = {}) {
        const { stdout } = await home.gpg(['--verify', '--', signatureFile, file]);
        return verdictOf(parseStatus(stdout), path);
      },
      verifyStream(signatureFile, { path } = {}) {
        const running = home.startGpg(['--verify', '--', signatureFile, '-']);
        const verdict = (async () => {
          const [status] = await Promise.all([text(running.stdout), running.done]);
          return verdictOf(parseStatus(status), path);
        })();
        // Whoever stops it does not ask.
        verdict.catch(() => {});
        return { input: running.stdin, verdict, stop: running.stop };
      },
      close: home.close,
    };
  } catch (error) {
    await home.close();
    throw error;
  }
};
