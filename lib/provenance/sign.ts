import { randomUUID } from 'node:crypto';
import { readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Signer, Verifier } from '../signing/index.ts';
import { type Envelope, PAYLOAD_TYPE, pae } from './dsse.ts';

/** What is known of who made a statement. */
export type SignedBy =
  | { readonly state: 'trusted'; readonly fingerprint: string; readonly signedBy: string }
  /** Keys are trusted, and none of them signed it. */
  | { readonly state: 'untrusted'; readonly why: string }
  /** No keys are configured. */
  | { readonly state: 'unchecked'; readonly keyid: string }
  | { readonly state: 'unsigned' };

/** Runs `work` with a name for a file that does not outlive it; `.sig` beside it goes too. */
const withFile = async <T>(folder: string, content: Buffer, work: (file: string) => Promise<T>): Promise<T> => {
  const file = join(folder, `pae-${randomUUID()}`);
  try {
    await writeFile(file, content);
    return await work(file);
  } finally {
    await rm(file, { force: true });
    await rm(`${file}.sig`, { force: true });
  }
};

/**
 * Puts a statement into an envelope, signed when there is a signer: a detached binary OpenPGP signature of the pre-authentication encoding.
 *
 * @param folder absolute path of a folder for temporary files
 * @throws SIGNING_FAILED
 */
export const sealStatement = async (payload: Buffer, signer: Signer | undefined, folder: string): Promise<Envelope> => {
  if (!signer) return { payloadType: PAYLOAD_TYPE, payload, signatures: [] };
  const sig = await withFile(folder, pae(PAYLOAD_TYPE, payload), async (file) => readFile(await signer.sign(file)));
  return { payloadType: PAYLOAD_TYPE, payload, signatures: [{ keyid: signer.fingerprint, sig }] };
};

/**
 * Finds out who signed an envelope; one good signature by a trusted key is enough.
 *
 * @param verifier undefined: no keys are trusted, and signatures are not looked at
 * @param folder absolute path of a folder for temporary files
 */
export const checkEnvelope = async (
  { payloadType, payload, signatures }: Envelope,
  verifier: Verifier | undefined,
  folder: string,
): Promise<SignedBy> => {
  const [first] = signatures;
  if (!verifier) return first ? { state: 'unchecked', keyid: first.keyid } : { state: 'unsigned' };
  if (!first) return { state: 'untrusted', why: 'it is not signed' };
  return withFile(folder, pae(payloadType, payload), async (file) => {
    let why = '';
    for (const { sig } of signatures) {
      await writeFile(`${file}.sig`, sig);
      const verdict = await verifier.verify(file, `${file}.sig`);
      if (verdict.valid) return { state: 'trusted', fingerprint: verdict.fingerprint, signedBy: verdict.signedBy };
      why ||= `its signature does not count: ${verdict.detail}`;
    }
    return { state: 'untrusted', why };
  });
};
