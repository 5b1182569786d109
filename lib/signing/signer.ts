import { rename, rm } from 'node:fs/promises';
import { slipwayError } from '../errors/index.ts';
import type { Runner } from '../process/index.ts';
import { createGpgHome, type GpgHome } from './gpg-home.ts';
import { lastComplaint } from './gpg-status.ts';
import { notationArgs } from './path-notation.ts';
import { loadSigningKey } from './signing-key.ts';
import { temporaryBeside } from './temporary-file.ts';
import type { Signer, SignOptions } from './types.ts';

/** What to sign with. */
export interface SignerSettings {
  /** User ID, key ID or fingerprint; empty or undefined: none given. */
  readonly signer: string | undefined;
  /** Absolute path of the secret key to import; empty or undefined: none given. */
  readonly signingKey: string | undefined;
  /** Must really run commands (with `--plan` do not open a signer). */
  readonly runner: Runner;
  /** Absolute path of a folder for temporary files, outside the OS tree. */
  readonly parent: string;
  /** Absolute path of the OS tree whose programs sign with the ring, too. */
  readonly tree: string;
}

const signWith =
  (home: GpgHome, signer: string) =>
  async (mode: '--detach-sign' | '--clearsign', file: string, output: string, { path }: SignOptions = {}) => {
    // Written beside and renamed, so that an interrupted gpg leaves an earlier signature whole.
    const temporary = temporaryBeside(output);
    try {
      const { exitCode, stderr } = await home.gpg([
        '--yes',
        '--local-user',
        signer,
        ...notationArgs(path),
        '--output',
        temporary,
        mode,
        '--',
        file,
      ]);
      if (exitCode !== 0) throw slipwayError('SIGNING_FAILED', { file, signer, reason: lastComplaint(stderr) });
      await rename(temporary, output);
    } finally {
      await rm(temporary, { force: true });
    }
    return output;
  };

/**
 * Opens the signer that the settings ask for: a throwaway key ring with the imported key, tried out.
 *
 * @returns undefined when neither SIGNER nor SIGNING_KEY is set
 * Throws `SIGNER_INCOMPLETE` when only one is set, `SIGNER_KEY_UNUSABLE` when the key cannot sign.
 */
export const openSigner = async ({
  signer,
  signingKey,
  runner,
  parent,
  tree,
}: SignerSettings): Promise<Signer | undefined> => {
  if (!signer && !signingKey) return undefined;
  if (!signingKey) throw slipwayError('SIGNER_INCOMPLETE', { given: 'SIGNER', missing: 'SIGNING_KEY' });
  if (!signer) throw slipwayError('SIGNER_INCOMPLETE', { given: 'SIGNING_KEY', missing: 'SIGNER' });
  const home = await createGpgHome({ runner, parent, tree });
  try {
    const fingerprint = await loadSigningKey(home, { signer, signingKey });
    const make = signWith(home, signer);
    return {
      signer,
      fingerprint,
      home: home.path,
      sign: (file, options) => make('--detach-sign', file, `${file}.sig`, options),
      clearSign: (file, options) => make('--clearsign', file, `${file}.asc`, options),
      close: home.close,
    };
  } catch (error) {
    await home.close();
    throw error;
  }
};
