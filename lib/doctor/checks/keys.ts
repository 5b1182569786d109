import { writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createGpgHome, type GpgHome } from '../../signing/gpg-home.ts';
import { openSigner, openVerifier, type Signer } from '../../signing/index.ts';
import { combine, failed, ok, skipped, warning } from '../finding.ts';
import { type KeyLife, parseKeyLives } from '../key-life.ts';
import type { Check, CheckContext, Finding } from '../types.ts';

const DAY_MS = 24 * 60 * 60 * 1000;
/** A key is to be renewed in time: builds of weeks to come are signed with it. */
const SOON_DAYS = 30;

const daysLeft = (endsMs: number, now: Date): number => Math.floor((endsMs - now.getTime()) / DAY_MS);

const dayOf = (ms: number): string => new Date(ms).toISOString().slice(0, 10);

const nameOf = ({ userId, fingerprint }: KeyLife): string => `${userId} (${fingerprint.slice(-16)})`;

const lifeFinding = (life: KeyLife, now: Date, fix: string): Finding => {
  const { endsMs, isDead } = life;
  if (isDead)
    return failed(
      `${nameOf(life)} can no longer sign${endsMs === undefined ? '' : `: it ended on ${dayOf(endsMs)}`}`,
      fix,
    );
  if (endsMs === undefined) return ok(`${nameOf(life)} does not expire`);
  const days = daysLeft(endsMs, now);
  const seen = `${nameOf(life)} expires on ${dayOf(endsMs)}, in ${days} ${days === 1 ? 'day' : 'days'}`;
  return days < SOON_DAYS ? warning(seen, fix) : ok(seen);
};

const renew = (fingerprint: string, file: string): string =>
  [
    'On the machine that has the key in its key ring:',
    `gpg --quick-set-expire ${fingerprint} 2y && gpg --quick-set-expire ${fingerprint} 2y '*'`,
    `gpg --armor --export-secret-keys ${fingerprint} > ${file}`,
    `gpg --armor --export ${fingerprint}   # for the TRUSTED_KEYS of those who read`,
  ].join('\n');

/** A step's own signer: imports the key and makes a trial signature. */
const openOwnSigner = ({ settings, runner, cwd }: CheckContext): Promise<Signer | undefined> =>
  openSigner({
    signer: settings?.SIGNER,
    signingKey: settings?.SIGNING_KEY,
    runner,
    parent: tmpdir(),
    // Not the ring that steps of this folder share: one of them may be at work.
    tree: join(cwd, 'doctor'),
  });

const list = async ({ runner }: CheckContext, home: string, ...args: string[]): Promise<readonly KeyLife[]> => {
  const command = ['gpg', '--batch', '--no-options', '--with-colons', ...args] as const;
  const { stdout } = await runner.run(command, {
    stdout: 'capture',
    env: { GNUPGHOME: home, LC_ALL: 'C' },
    okExitCodes: [0, 1, 2],
  });
  return parseKeyLives(stdout);
};

export const signingKey: Check = {
  name: 'signing-key',
  summary: 'the signing key can sign, and for how many days more',
  needsSettings: true,
  async run(context) {
    context.doing('gpg was making a trial signature');
    const signer = await openOwnSigner(context);
    if (!signer) return skipped('SIGNER and SIGNING_KEY are not set: nothing is signed');
    try {
      const lives = await list(context, signer.home, '--list-secret-keys', signer.fingerprint);
      const file = context.settings?.SIGNING_KEY ?? '';
      const fix = renew(signer.fingerprint, file);
      return combine([
        ok(`a trial signature was made by ${signer.fingerprint}`),
        ...lives.map((life) => lifeFinding(life, context.now(), fix)),
      ]);
    } finally {
      await signer.close();
    }
  },
};

const isKeyRefused = new Set(['unknown-key', 'expired-key', 'revoked-key']);

/** What this machine signs must be accepted by itself. */
const matchFinding = async (context: CheckContext, trustedKeys: string): Promise<Finding> => {
  // What is wrong with the signer is said by its own check.
  const signer = await openOwnSigner(context).catch(() => undefined);
  if (!signer) return ok('nothing is signed here that they could be compared with');
  try {
    const verifier = await openVerifier({ trustedKeys, runner: context.runner, parent: tmpdir() });
    try {
      const file = join(await context.makeTemp(), 'probe');
      await writeFile(file, 'probe\n');
      const signature = await signer.sign(file);
      const verdict = await verifier?.verify(file, signature);
      if (!verdict || verdict.valid) return ok('what this machine signs is accepted');
      const exported = join(trustedKeys, 'NAME.asc');
      const fix = isKeyRefused.has(verdict.reason)
        ? `Put the public half of SIGNER's key there, for example: gpg --armor --export ${signer.fingerprint} > ${exported}`
        : 'Sign with another key, or correct TRUSTED_KEYS.';
      return failed(`what this machine signs would be refused: ${verdict.detail}`, fix);
    } finally {
      await verifier?.close();
    }
  } finally {
    await signer.close();
  }
};

/** The trusted keys in a ring of their own; files that hold no key are passed over, as when a step reads them. */
const listTrusted = async (context: CheckContext, home: GpgHome, trustedKeys: string): Promise<readonly KeyLife[]> => {
  const { readdir, stat } = await import('node:fs/promises');
  const isFolder = (await stat(trustedKeys)).isDirectory();
  const files = isFolder
    ? (await readdir(trustedKeys)).filter((name) => !name.startsWith('.')).map((name) => join(trustedKeys, name))
    : [trustedKeys];
  await home.gpg(['--import', '--', ...files]);
  return list(context, home.path, '--list-keys');
};

export const trustedKeys: Check = {
  name: 'trusted-keys',
  summary: 'the keys of TRUSTED_KEYS can be read, are valid, and accept what is signed here',
  needsSettings: true,
  async run(context) {
    const trusted = context.settings?.TRUSTED_KEYS ?? '';
    if (trusted === '') return skipped('TRUSTED_KEYS is not set: what is read is checked by digest only');
    context.doing('gpg was reading the trusted keys');
    const verifier = await openVerifier({ trustedKeys: trusted, runner: context.runner, parent: tmpdir() });
    await verifier?.close();
    const home = await createGpgHome({ runner: context.runner, parent: tmpdir() });
    try {
      const lives = await listTrusted(context, home, trusted);
      const fix = `Ask the owner of the key for its renewed public half, and put it into ${trusted}.`;
      // One that is dead does no harm as long as another one lives; what was signed with it is refused.
      const findings = lives.map((life) => {
        const finding = lifeFinding(life, context.now(), fix);
        return finding.outcome === 'failed' && lives.some(({ isDead }) => !isDead)
          ? { ...finding, outcome: 'warning' as const }
          : finding;
      });
      context.doing('gpg was checking a trial signature');
      return combine([...findings, await matchFinding(context, trusted)]);
    } finally {
      await home.close();
    }
  },
};
