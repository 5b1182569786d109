import { chmod, mkdir, mkdtemp, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { $ } from 'zx';

/** The user of the key that signs local nightlies. */
const USER = 'Slipway local nightly <nightly@slipway.localhost>';

/** The settings that make the steps sign what they publish and check what they read. */
export interface SigningSettings {
  readonly SIGNER: string;
  readonly SIGNING_KEY: string;
  readonly TRUSTED_KEYS: string;
}

const exists = (path: string): Promise<boolean> =>
  stat(path).then(
    () => true,
    () => false,
  );

/** Makes the key in a throwaway home: the user's own key ring is never touched. */
const createKey = async (folder: string, settings: SigningSettings): Promise<void> => {
  await mkdir(folder, { recursive: true, mode: 0o700 });
  const home = await mkdtemp(join(tmpdir(), 'slipway-key-'));
  await chmod(home, 0o700);
  const gpg = $({ env: { ...process.env, GNUPGHOME: home }, quiet: true });
  try {
    await gpg`gpg --batch --pinentry-mode loopback --passphrase ${''} --quick-generate-key ${USER} ed25519 sign never`;
    await writeFile(settings.TRUSTED_KEYS, (await gpg`gpg --batch --armor --export ${USER}`).stdout);
    const secret = (
      await gpg`gpg --batch --pinentry-mode loopback --passphrase ${''} --armor --export-secret-keys ${USER}`
    ).stdout;
    await writeFile(settings.SIGNING_KEY, secret, { mode: 0o600 });
  } finally {
    await gpg`gpgconf --kill gpg-agent`.nothrow();
    await rm(home, { recursive: true, force: true });
  }
};

/**
 * The key of this machine's local nightlies, made once; so that a laptop runs the same signed and verified pipeline as a CI.
 *
 * @param folder absolute path where the key is kept
 */
export const prepareSigningKey = async (folder: string): Promise<SigningSettings> => {
  const settings = {
    SIGNER: 'nightly@slipway.localhost',
    SIGNING_KEY: join(folder, 'signing-key.asc'),
    TRUSTED_KEYS: join(folder, 'trusted-keys.asc'),
  };
  if (!(await exists(settings.SIGNING_KEY)) || !(await exists(settings.TRUSTED_KEYS)))
    await createKey(folder, settings);
  return settings;
};
