import type { Writable } from 'node:stream';

/** Digest algorithms, by the names that `node:crypto` knows. */
export type Algorithm = 'md5' | 'sha1' | 'sha256' | 'sha512';

/** Digests of one file: algorithm to hex digits in lower case. */
export type Digests<A extends Algorithm = Algorithm> = Readonly<Record<A, string>>;

/** How to sign. */
export interface SignOptions {
  /**
   * Path in the cache under which what is signed will be found: the signature says so, in a notation that is not critical, so that
   * programs which do not know it accept the signature all the same. Default: it says nothing.
   */
  readonly path?: string;
}

/** Makes OpenPGP signatures with one key, in a key ring of its own. */
export interface Signer {
  /** The user ID or fingerprint given as SIGNER. */
  readonly signer: string;
  /** Fingerprint of the key, 40 hex digits. */
  readonly fingerprint: string;
  /** Absolute path of the throwaway key ring, for programs that sign themselves (GNUPGHOME). Removed by {@link Signer.close}. */
  readonly home: string;
  /** Writes the detached binary signature `FILE.sig`, replacing an earlier one. Throws `SIGNING_FAILED`. */
  sign(file: string, options?: SignOptions): Promise<string>;
  /** Writes the clear-signed text `FILE.asc`, replacing an earlier one. Throws `SIGNING_FAILED`. */
  clearSign(file: string, options?: SignOptions): Promise<string>;
  /** Ends the agent and removes the key ring; may be called twice, and after an interruption. */
  close(): Promise<void>;
}

/** Why a signature was not accepted. */
export type SignatureFault =
  | 'bad'
  | 'unknown-key'
  | 'expired-key'
  | 'revoked-key'
  | 'expired-signature'
  | 'unreadable'
  /** It is valid, and was made for what is found under another path. */
  | 'other-path';

/** What came of checking one signature. */
export type SignatureVerdict =
  | {
      readonly valid: true;
      readonly fingerprint: string;
      readonly signedBy: string;
      /** It says for which path it is; false: it says nothing of that, as those made by other programs. */
      readonly isBound: boolean;
    }
  | { readonly valid: false; readonly reason: SignatureFault; readonly detail: string };

/** A signature that is being checked against bytes as they come. */
export interface StreamVerification {
  /** Takes the bytes and is ended after the last of them. */
  readonly input: Writable;
  /** What came of it; settles after `input` was ended. */
  readonly verdict: Promise<SignatureVerdict>;
  /** Ends the check when nobody wants to know any more. */
  stop(): void;
}

/** Checks OpenPGP signatures against the keys that the user trusts, and no others. */
export interface Verifier {
  /** Absolute path of the keys, for messages. */
  readonly trustedKeys: string;
  /**
   * Checks a detached signature.
   *
   * @param file absolute path of what was signed
   * @param signatureFile absolute path of the signature, binary or armored
   * @param options.path where it was found in the cache: a signature that says another path is refused, one that says none is not
   */
  verify(file: string, signatureFile: string, options?: { readonly path?: string }): Promise<SignatureVerdict>;
  /**
   * The same for bytes that come as a stream; undefined in a verifier that cannot.
   *
   * @param signatureFile as for `verify`
   */
  verifyStream?(signatureFile: string, options?: { readonly path?: string }): StreamVerification;
  /** Removes the key ring; may be called twice, and after an interruption. */
  close(): Promise<void>;
}
