import { access, constants, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { type SlipwayError, slipwayError } from '../errors/index.ts';
import type { GpgHome } from './gpg-home.ts';
import { lastComplaint, parseStatus } from './gpg-status.ts';

interface KeyNames {
  readonly signer: string;
  readonly signingKey: string;
}

const unusable = (names: KeyNames, reason: string, cause?: unknown): SlipwayError =>
  slipwayError('SIGNER_KEY_UNUSABLE', { signer: names.signer, signingKey: names.signingKey, reason }, cause);

/** @returns fingerprints of the secret keys in the file */
const importKey = async (home: GpgHome, names: KeyNames): Promise<string[]> => {
  try {
    await access(names.signingKey, constants.R_OK);
  } catch (error) {
    throw unusable(names, `the file cannot be read (${(error as NodeJS.ErrnoException).code})`, error);
  }
  const { stdout } = await home.gpg(['--import', '--', names.signingKey]);
  const imported = parseStatus(stdout).filter((line) => line.keyword === 'IMPORT_OK');
  if (imported.length === 0) throw unusable(names, 'it holds no OpenPGP key');
  // Bit 16 of the reason says that the secret part came along.
  const secret = imported.filter((line) => Number(line.args[0]) & 16).map((line) => line.args[1] ?? '');
  if (secret.length === 0) throw unusable(names, 'it holds a public key only');
  return [...new Set(secret)];
};

interface ListedKey {
  readonly validity: string;
  readonly expires: string;
  readonly capabilities: string;
  readonly fingerprint: string;
}

/** Reads `gpg --with-colons --list-secret-keys`: the primary keys and their fingerprints. */
const parseKeys = (listing: string): ListedKey[] => {
  const keys: ListedKey[] = [];
  let open: Omit<ListedKey, 'fingerprint'> | undefined;
  for (const fields of listing.split('\n').map((line) => line.split(':'))) {
    if (fields[0] === 'sec')
      open = { validity: fields[1] ?? '', expires: fields[6] ?? '', capabilities: fields[11] ?? '' };
    if (fields[0] !== 'fpr' || !open) continue;
    keys.push({ ...open, fingerprint: fields[9] ?? '' });
    open = undefined;
  }
  return keys;
};

const faultOf = (key: ListedKey): string | undefined => {
  if (key.validity === 'r') return `the key ${key.fingerprint} is revoked`;
  if (key.validity === 'e') {
    return `the key ${key.fingerprint} expired on ${new Date(Number(key.expires) * 1000).toISOString().slice(0, 10)}`;
  }
  if (key.validity === 'd') return `the key ${key.fingerprint} is disabled`;
  // A capital S: the key as a whole can sign, now.
  if (!key.capabilities.includes('S'))
    return `the key ${key.fingerprint} cannot sign (it may have no valid signing subkey)`;
  return undefined;
};

const findKey = async (home: GpgHome, names: KeyNames): Promise<string> => {
  const list = async (...which: string[]): Promise<ListedKey[]> =>
    parseKeys((await home.gpg(['--with-colons', '--list-secret-keys', ...which])).stdout);
  const keys = await list('--', names.signer);
  if (keys.length === 0) {
    const there = (await list()).map((key) => key.fingerprint);
    throw unusable(names, `it holds no secret key of that name (it holds ${there.join(', ') || 'none'})`);
  }
  const usable = keys.find((key) => faultOf(key) === undefined);
  if (!usable) throw unusable(names, keys.map(faultOf).join('; '));
  return usable.fingerprint;
};

/** The proof of the pudding: a trial signature also finds passphrases and missing secret parts. */
const trySigning = async (home: GpgHome, names: KeyNames): Promise<void> => {
  const probe = join(home.path, 'trial');
  await writeFile(probe, 'trial\n');
  const { exitCode, stderr } = await home.gpg([
    '--local-user',
    names.signer,
    '--output',
    `${probe}.sig`,
    '--detach-sign',
    '--',
    probe,
  ]);
  await Promise.all([rm(probe), rm(`${probe}.sig`, { force: true })]);
  if (exitCode === 0) return;
  // Says what is wrong with the key, if it is the key.
  await findKey(home, names);
  throw unusable(names, `a trial signature failed, ${lastComplaint(stderr)} (has the key a passphrase?)`);
};

/**
 * Imports the signing key into `home` and makes sure that it can sign, so that a key that cannot is noticed before the build
 * and not after it.
 *
 * @returns the key's fingerprint
 * Throws `SIGNER_KEY_UNUSABLE`.
 */
export const loadSigningKey = async (home: GpgHome, names: KeyNames): Promise<string> => {
  const secret = await importKey(home, names);
  await trySigning(home, names);
  const [only, ...others] = secret;
  return only !== undefined && others.length === 0 ? only : findKey(home, names);
};
