/** Digest algorithms, by the names that `node:crypto` knows. */
export type Algorithm = 'md5' | 'sha1' | 'sha256' | 'sha512';

/** Digests of one file: algorithm to hex digits in lower case. */
export type Digests<A extends Algorithm = Algorithm> = Readonly<Record<A, string>>;

/** Makes OpenPGP signatures with one key, in a key ring of its own. */
export interface Signer {
  /** The user ID or fingerprint given as SIGNER. */
  readonly signer: string;
  /** Fingerprint of the key, 40 hex digits. */
  readonly fingerprint: string;
  /** Absolute path of the throwaway key ring, for programs that sign themselves (GNUPGHOME). Removed by {@link Signer.close}. */
  readonly home: string;
  /** Writes the detached binary signature `FILE.sig`, replacing an earlier one. Throws `SIGNING_FAILED`. */
  sign(file: string): Promise<string>;
  /** Writes the clear-signed text `FILE.asc`, replacing an earlier one. Throws `SIGNING_FAILED`. */
  clearSign(file: string): Promise<string>;
  /** Ends the agent and removes the key ring; may be called twice, and after an interruption. */
  close(): Promise<void>;
}

/** Why a signature was not accepted. */
export type SignatureFault = 'bad' | 'unknown-key' | 'expired-key' | 'revoked-key' | 'expired-signature' | 'unreadable';

/** What came of checking one signature. */
export type SignatureVerdict =
  | { readonly valid: true; readonly fingerprint: string; readonly signedBy: string }
  | { readonly valid: false; readonly reason: SignatureFault; readonly detail: string };

/** Checks OpenPGP signatures against the keys that the user trusts, and no others. */
export interface Verifier {
  /** Absolute path of the keys, for messages. */
  readonly trustedKeys: string;
  /**
   * Checks a detached signature.
   *
   * @param file absolute path of what was signed
   * @param signatureFile absolute path of the signature, binary or armored
   */
  verify(file: string, signatureFile: string): Promise<SignatureVerdict>;
  /** Removes the key ring; may be called twice, and after an interruption. */
  close(): Promise<void>;
}
