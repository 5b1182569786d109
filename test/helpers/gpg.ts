import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

/** An OpenPGP key made for a test. */
export interface TestKey {
  readonly fingerprint: string;
  readonly userId: string;
  readonly secretKeyFile: string;
  readonly publicKeyFile: string;
}

/** How the key is to be. */
export interface TestKeyOptions {
  /** Folder for the key files. */
  readonly folder: string;
  readonly name: string;
  /** Made in 2020 and valid for a year. */
  readonly expired?: boolean;
  readonly passphrase?: string;
}

const gpg = (home: string, args: readonly string[], input?: string): Buffer =>
  execFileSync('gpg', ['--homedir', home, '--batch', '--quiet', '--no-tty', ...args], {
    input,
    stdio: ['pipe', 'pipe', 'pipe'],
  });

const withHome = <T>(work: (home: string) => T): T => {
  // Short, because of the agent's sockets.
  const home = mkdtempSync('/tmp/tk-');
  try {
    return work(home);
  } finally {
    try {
      execFileSync('gpgconf', ['--homedir', home, '--kill', 'gpg-agent']);
    } finally {
      rmSync(home, { recursive: true, force: true, maxRetries: 10, retryDelay: 50 });
    }
  }
};

/** Generates a key with the real gpg and exports both halves. */
export const makeTestKey = ({ folder, name, expired, passphrase = '' }: TestKeyOptions): TestKey =>
  withHome((home) => {
    const userId = `${name} <${name.toLowerCase()}@example.test>`;
    const time = expired ? ['--faked-system-time', '20200101T000000!'] : [];
    const pass = ['--pinentry-mode', 'loopback', '--passphrase', passphrase];
    gpg(home, [...time, ...pass, '--quick-generate-key', userId, 'ed25519', 'sign', expired ? '1y' : 'never']);
    const listing = gpg(home, ['--with-colons', '--list-keys']).toString();
    const fingerprint = /^fpr:+([0-9A-F]{40}):/m.exec(listing)?.[1] ?? '';
    const secretKeyFile = join(folder, `${name}.secret.asc`);
    const publicKeyFile = join(folder, `${name}.public.asc`);
    writeFileSync(secretKeyFile, gpg(home, [...pass, '--armor', '--export-secret-keys', fingerprint]), { mode: 0o600 });
    writeFileSync(publicKeyFile, gpg(home, ['--armor', '--export', fingerprint]));
    return { fingerprint, userId, secretKeyFile, publicKeyFile };
  });

/** Signs with gpg itself, at a time of choice; for signatures that our signer refuses to make. */
export const signAt = (key: TestKey, file: string, time: string, extra: readonly string[] = []): void =>
  withHome((home) => {
    gpg(home, ['--import', key.secretKeyFile]);
    gpg(home, [
      '--faked-system-time',
      time,
      ...extra,
      '--yes',
      '--local-user',
      key.fingerprint,
      '--output',
      `${file}.sig`,
      '--detach-sign',
      file,
    ]);
  });
