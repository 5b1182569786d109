import type { ErrorText } from '../slipway-error.ts';

/** Texts of the signing errors. */
export const signingErrors = {
  SIGNER_INCOMPLETE: (c: { given: 'SIGNER' | 'SIGNING_KEY'; missing: 'SIGNER' | 'SIGNING_KEY' }): ErrorText => ({
    kind: 'misuse',
    message: `${c.given} is set but ${c.missing} is not; signing needs both.`,
    hint:
      'SIGNER names the key (a user ID or fingerprint), SIGNING_KEY is the path of the secret key to import.\n' +
      'Set both to sign, or neither to publish without signatures.',
  }),
  SIGNER_KEY_UNUSABLE: (c: { signer: string; signingKey: string; reason: string }): ErrorText => ({
    kind: 'misuse',
    message: `Nothing can be signed as '${c.signer}' with the key in ${c.signingKey}: ${c.reason}.`,
    hint:
      'Expected: a secret OpenPGP key without passphrase, not expired and not revoked, that can sign and belongs to SIGNER.\n' +
      `To look at it: gpg --show-keys ${c.signingKey}`,
  }),
  TRUSTED_KEYS_INVALID: (c: { trustedKeys: string; reason: string }): ErrorText => ({
    kind: 'misuse',
    message: `The trusted keys in ${c.trustedKeys} cannot be used: ${c.reason}.`,
    hint: 'Expected: a file with OpenPGP public keys, or a folder of such files (as written by gpg --export or gpg --export --armor).',
  }),
  SIGNING_FAILED: (c: { file: string; signer: string; reason: string }): ErrorText => ({
    kind: 'failure',
    message: `${c.file} could not be signed as '${c.signer}': ${c.reason}.`,
    hint: 'The key could sign when the step started. Check that the disk is not full and that nobody removed the key ring.',
  }),
} satisfies Record<string, (facts: never) => ErrorText>;
